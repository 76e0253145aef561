using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace PgMigration;

/// <summary>Stops a target that was asked to promote itself, and knows that it is stopped before it says so.</summary>
/// <remarks>
/// One that only stands still (a frozen machine, a paused container, a dead network) is the dangerous one. A promotion replays what the
/// archive has first: when it goes on after the source was opened again it replays the lifted fence too, and opens as a second server.
/// </remarks>
internal static class TargetStop
{
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(5);

    /// <exception cref="MigrationException"><c>TargetStateUnknown</c>: it does not answer, and nothing proves that it does not run.</exception>
    public static async Task StopAsync(CutoverContext context, CancellationToken cancel)
    {
        bool ending = false;
        Exception? last = null;
        try
        {
            for (var clock = Stopwatch.StartNew(); ; await Task.Delay(10, cancel))
            {
                try
                {
                    using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                    attempt.CancelAfter(Attempt);
                    ending |= await AskAsync(context, attempt.Token);
                }
                catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
                {
                    last = error; // it listens and does not answer
                }
                catch (Exception error) when (error is NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection })
                {
                    last = error;

                    // a server's answer is "shutting down", or none left: it goes
                    if ((error.InnerException ?? error) is not PostgresException && (ending || DoesNotRun(context, error)))
                    {
                        return;
                    }
                }

                if (context.Options.TargetIsStopped && last is not null && (last.InnerException ?? last) is not PostgresException)
                {
                    return; // somebody who can see it says so, and it does not say otherwise
                }

                if (clock.Elapsed > context.Options.PromoteTimeout)
                {
                    Kill(context);
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw new MigrationException("TargetStateUnknown", MigrationErrorKind.Timeout,
                $"The target {context.Target} was asked to promote itself and cannot be stopped from here{(last is null ? string.Empty : $" ({Redaction.Of(last.Message).TrimEnd('.')})")}. If it only stands still it may open later as a second server, so the source stays fenced and the app paused. Let it answer again, or stop it there (pg_ctl stop, or switch its machine off) and say so: Undo-Cutover … -TargetIsStopped.", last);
        }
    }

    /// <summary>Asks it to stop; true once it has begun to.</summary>
    private static async Task<bool> AskAsync(CutoverContext context, CancellationToken cancel)
    {
        await using var target = await context.Target.ConnectAsync(cancel);
        if (!await target.ScalarAsync<bool>("select pg_is_in_recovery()", cancel) && await MarkTable.ReadAsync(target, context.Facts.Id, cancel) != context.Facts.Nonce)
        {
            throw new MigrationException("JournalStale", MigrationErrorKind.InvalidOperation,
                $"The server at {context.Target} takes writes and does not hold this cutover's mark: it is not the one that this cutover promoted, and is not stopped.");
        }

        // There is no SQL for a shutdown; the working directory of a server's program is its data directory, and the first line of
        // postmaster.pid the process to ask for a fast one. It works from any machine. That it has heard is known when it ends our session.
        try
        {
            await target.ExecuteAsync("copy (select 1) to program 'kill -INT $(head -n 1 postmaster.pid)'", cancel);
            await target.ExecuteAsync("select pg_sleep(60)", cancel);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.AdminShutdown)
        {
            return true;
        }

        return false;
    }

    // Nobody listens where it would, or on this machine its process is gone. Of a server of another machine that is reached at an address of
    // this one, a refusal only says that the tunnel there is gone.
    private static bool DoesNotRun(CutoverContext context, Exception error) =>
        (NobodyListens(error, context.Target.Host) && !(context.Link is WalLink far && IsOfThisMachine(context.Target.Host) && !Directory.Exists(far.DataDirectory)))
        || (context.Link is WalLink link && link.LocalLayout() is { } layout && LocalServer.ReadProcessId(layout.DataDirectory) is null);

    // Of a server that has ended the socket's file is gone too.
    private static bool NobodyListens(Exception error, string host) => error.GetBaseException() is SocketException { SocketErrorCode: var code }
        && (code == SocketError.ConnectionRefused || (code == SocketError.AddressNotAvailable && host.StartsWith('/')));

    private static bool IsOfThisMachine(string host) => host is "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    // On this machine one that does not answer for so long is ended by the kernel: it needs a new restore anyway, and without its first
    // process no other accepts a connection.
    private static void Kill(CutoverContext context)
    {
        if (context.Link is WalLink link && link.LocalLayout() is { } layout && LocalServer.ReadProcessId(layout.DataDirectory) is { } id)
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
            }
            catch (Exception error) when (error is Win32Exception or InvalidOperationException or ArgumentException)
            {
                // not ours to end, or gone
            }
        }
    }
}
