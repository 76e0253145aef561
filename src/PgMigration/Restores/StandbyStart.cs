using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Npgsql;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Starts a restored server and waits until it is consistent: until then it refuses connections, and its log and the prefetcher tell why.</summary>
[SupportedOSPlatform("linux")]
internal sealed class StandbyStart(LocalServer server, PrefetcherProcess prefetcher, RestoreRecord record, IMigrationObserver observer)
{
    private readonly long _created = Stopwatch.GetTimestamp();

    // Each attempt leaves a line in the server's log: often in the beginning, then seldom.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    // A listing may be a moment ahead of an object that is still being written: a gap or a damage that stays this long is one.
    private static readonly TimeSpan TroubleLimit = TimeSpan.FromSeconds(20);

    // A server that is about to answer is not refused for the same reason for long.
    private const int SameRefusals = 3;
    private static readonly TimeSpan RefusalLimit = TimeSpan.FromSeconds(1);

    private string? _refusal;
    private int _refusals;
    private long _refusedSince;

    /// <summary>Starts the server unless it runs, and returns once it answers on its socket, be it with a refusal of the role.</summary>
    /// <param name="probe">A server over the socket; that the role exists is not needed.</param>
    /// <param name="stallLimit">How long nothing may move.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="MigrationException"><c>ServerStartFailed</c>, <c>ServerRefusesSessions</c>, <c>SegmentMissing</c>, <c>SegmentDamaged</c>, <c>RestoreStalled</c>.</exception>
    public async Task UntilConsistentAsync(PgServer probe, TimeSpan stallLimit, CancellationToken cancel)
    {
        if (server.ProcessId is null)
        {
            await server.StartAsync(waitUntilReady: false, cancel);
        }

        long? troubleSince = null;
        long movedAt = Stopwatch.GetTimestamp();
        string? lastPlaced = null;
        var pause = FirstPause;
        while (true)
        {
            if (await AnswersAsync(probe, cancel))
            {
                observer.Progress(new MigrationProgress(Activity, "consistent") { Percent = 100, Completed = true });
                return;
            }

            ThrowIfDead();
            var status = prefetcher.Status;
            troubleSince = status is { IsTrouble: true } ? troubleSince ?? Stopwatch.GetTimestamp() : null;
            if (status is not null && troubleSince is { } since)
            {
                ThrowIfHopeless(status, Stopwatch.GetElapsedTime(since));
            }

            if (status?.LastPlaced != lastPlaced)
            {
                lastPlaced = status?.LastPlaced;
                movedAt = Stopwatch.GetTimestamp();
            }
            else if (Stopwatch.GetElapsedTime(movedAt) > stallLimit)
            {
                throw new MigrationException("RestoreStalled", MigrationErrorKind.Timeout,
                    string.Create(CultureInfo.InvariantCulture, $"The server on {server.DataDirectory} has replayed nothing for {stallLimit.TotalMinutes:0} minutes and is not consistent. Its log is {server.LogFile}; run the same command again to go on waiting."));
            }

            observer.Progress(Progress(status));
            await Task.Delay(pause, cancel);
            pause = pause * 1.2 < LongestPause ? pause * 1.2 : LongestPause;
        }
    }

    private string Activity => $"Replaying WAL until {record.BackupName} is consistent";

    private async Task<bool> AnswersAsync(PgServer probe, CancellationToken cancel)
    {
        try
        {
            await using var connection = await probe.ConnectAsync(cancel);
            return true;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            if (StandbyAccess.IsRefusal(error))
            {
                return true; // an answer, too: authentication is over, so the server is consistent
            }

            ThrowIfRefusedForGood(error as PostgresException ?? error.InnerException as PostgresException);
            return false;
        }
    }

    /// <summary>A consistent server with a damaged directory refuses each session with the reason, and never ends by itself.</summary>
    private void ThrowIfRefusedForGood(PostgresException? error)
    {
        // class 57: it starts, or is being shut down
        string? refusal = error is null || error.SqlState.StartsWith("57", StringComparison.Ordinal) ? null : $"{error.Severity}: {error.MessageText} (SQLSTATE {error.SqlState})";
        if (refusal is null || refusal != _refusal)
        {
            (_refusal, _refusals, _refusedSince) = (refusal, 0, Stopwatch.GetTimestamp());
        }

        if (refusal is not null && ++_refusals >= SameRefusals && Stopwatch.GetElapsedTime(_refusedSince) > RefusalLimit)
        {
            throw new MigrationException("ServerRefusesSessions", MigrationErrorKind.InvalidData,
                $"The server on {server.DataDirectory} refuses every session with {refusal}. The backup {record.BackupName} seems to be incomplete or damaged: choose another one with -BackupName and an empty directory. The server's log is {server.LogFile}.");
        }
    }

    private void ThrowIfDead()
    {
        if (server.ProcessId is null && !HasJustStarted())
        {
            var log = ServerLog.Read(server.LogFile);
            string reason = log.InsufficientSettings ?? log.LastError ?? "its log does not say why";
            throw new MigrationException("ServerStartFailed", MigrationErrorKind.InvalidOperation,
                $"The server on {server.DataDirectory} ended before it was consistent: {reason}. Its log is {server.LogFile}. {log.ForkedRemedy ?? "When the reason is mended, run the same command again."}");
        }
    }

    // pg_ctl --no-wait returns before the postmaster has written its pid file
    private bool HasJustStarted() => Stopwatch.GetElapsedTime(_created) < TimeSpan.FromSeconds(5);

    private void ThrowIfHopeless(PrefetchStatus status, TimeSpan age)
    {
        if (status.State == PrefetchState.Unreachable || age < TroubleLimit)
        {
            return; // a network comes back; progress shows the reason
        }

        throw status.State == PrefetchState.Damaged
            ? new MigrationException("SegmentDamaged", MigrationErrorKind.InvalidData, $"{status.Detail} Without it the backup {record.BackupName} never becomes consistent; choose another backup, or have the segment archived again and run the same command.")
            : new MigrationException("SegmentMissing", MigrationErrorKind.InvalidData, $"{status.Detail} Without it the backup {record.BackupName} never becomes consistent; choose another backup, or have the segment archived again and run the same command.");
    }

    private MigrationProgress Progress(PrefetchStatus? status)
    {
        string text = status is { IsTrouble: true } ? status.Detail : status?.LastPlaced is { } placed ? $"replayed up to {placed}" : "starting";
        return new MigrationProgress(Activity, text) { Percent = Percent(status?.LastPlaced) };
    }

    private int? Percent(string? placed)
    {
        if (placed is null || record.FinishLsn is null || !WalSegmentName.TryParse(placed, out var at) || !WalSegmentName.TryParse(record.StartSegment, out var first))
        {
            return null;
        }

        double whole = Lsn.Parse(record.FinishLsn) - first.Start(record.SegmentSize);
        return whole <= 0 ? null : (int)Math.Clamp(100 * (at.Start(record.SegmentSize) - first.Start(record.SegmentSize)) / whole, 0, 99);
    }
}
