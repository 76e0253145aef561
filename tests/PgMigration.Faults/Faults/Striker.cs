using System.Globalization;
using Npgsql;

namespace PgMigration.Faults;

/// <summary>Does the faults, and mends them.</summary>
internal sealed class Striker(FaultBed bed, CommitJournal journal, Random random, Action<string> log)
{
    private readonly List<(int Port, DateTime From, DateTime To)> _crashes = [];
    private int _next = 30;

    /// <summary>When the source died without good-bye: an asynchronous commit of the last moment before it may be lost, by PostgreSQL's own rules.</summary>
    public IReadOnlyList<(int Port, DateTime From, DateTime To)> Crashes => _crashes;

    /// <summary>Does it; returns once it has taken effect, with what mends it.</summary>
    public async Task<Func<Task>> StrikeAsync(FaultKind kind, SessionProcess session)
    {
        log($"FAULT {kind}");
        switch (kind)
        {
            case FaultKind.SessionKilled:
                Signals.Send(session.Id, Signals.Kill);
                return Nothing;
            case FaultKind.SessionFrozen:
                Signals.Send(session.Id, Signals.Stop);
                return Mend(() => Signals.Send(session.Id, Signals.Continue));
            case FaultKind.SessionInterrupted:
                Signals.Send(session.Id, Signals.Interrupt);
                return Nothing;
            case FaultKind.SourceKilled:
                KillServer(bed.Host.Local, bed.Host.App.Port);
                return bed.StartSourceAsync;
            case FaultKind.SourceBackendKilled:
                KillOneBackend();
                return Nothing;
            case FaultKind.SourceRestarted:
                await bed.Host.Local.StopAsync("fast");
                return bed.StartSourceAsync;
            case FaultKind.SourceFrozen:
                return Freeze(bed.Host.Local);
            case FaultKind.TargetKilled:
                KillServer(bed.Target, bed.Link.Target.Port);
                return bed.StartTargetAsync;
            case FaultKind.TargetFrozen:
                return Freeze(bed.Target);
            case FaultKind.TargetDiskFull:
                return FillDisk();
            case FaultKind.PoolerKilled:
                Signals.Send(bed.PoolerId!.Value, Signals.Kill);
                return bed.StartPoolerAsync;
            case FaultKind.SourceCut or FaultKind.TargetCut or FaultKind.PoolerCut:
                Network(kind).Cut();
                return Mend(() => Network(kind).Mend());
            case FaultKind.SourceStalled or FaultKind.TargetStalled or FaultKind.PoolerStalled:
                Network(kind).Stall();
                bool lose = random.Next(2) == 0;
                return Mend(() => Network(kind).Mend(lose));
            case FaultKind.ArchiveAway:
                bed.HideArchive();
                return Mend(bed.ShowArchive);
            case FaultKind.LongTransaction:
                return await HoldTransactionAsync();
            case FaultKind.PreparedTransaction:
                return await LeavePreparedAsync();
            case FaultKind.ConnectionFlood:
                return Flood();
            case FaultKind.RogueWriters:
                return LetRoguesIn();
            default:
                throw new ArgumentOutOfRangeException(nameof(kind));
        }
    }

    private static Task Nothing() => Task.CompletedTask;

    private static Func<Task> Mend(Action mend) => () =>
    {
        mend();
        return Task.CompletedTask;
    };

    private FlakyNetwork Network(FaultKind kind) => kind switch
    {
        FaultKind.SourceCut or FaultKind.SourceStalled => bed.SourceNetwork,
        FaultKind.TargetCut or FaultKind.TargetStalled => bed.TargetNetwork,
        _ => bed.PoolerNetwork,
    };

    private void KillServer(LocalServer server, int port)
    {
        if (server.ProcessId is not { } postmaster)
        {
            return; // an undo has stopped it
        }

        var before = journal.Now;
        foreach (int process in Signals.Tree(postmaster))
        {
            Signals.Send(process, Signals.Kill);
        }

        _crashes.Add((port, before, journal.Now + TimeSpan.FromMilliseconds(500)));
    }

    // Any of its children but the postmaster: PostgreSQL then ends all others at once, and recovers.
    private void KillOneBackend()
    {
        if (bed.Host.Local.ProcessId is { } postmaster && Signals.Tree(postmaster).Skip(1).ToList() is { Count: > 0 } children)
        {
            var before = journal.Now;
            Signals.Send(children[random.Next(children.Count)], Signals.Kill);
            _crashes.Add((bed.Host.App.Port, before, journal.Now + TimeSpan.FromSeconds(2)));
        }
    }

    private static Func<Task> Freeze(LocalServer server)
    {
        if (server.ProcessId is not { } postmaster)
        {
            return Nothing;
        }

        Signals.Send(postmaster, Signals.Stop); // first, so that it starts no more
        var tree = Signals.Tree(postmaster);
        foreach (int process in tree)
        {
            Signals.Send(process, Signals.Stop);
        }

        return Mend(() =>
        {
            foreach (int process in tree)
            {
                Signals.Send(process, Signals.Continue);
            }
        });
    }

    private Func<Task> FillDisk()
    {
        string ballast = Path.Combine(bed.Target.DataDirectory, "ballast");
        try
        {
            using var file = new FileStream(ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            foreach (int size in (int[])[1 << 20, 1 << 12])
            {
                try
                {
                    for (byte[] block = new byte[size]; ;)
                    {
                        file.Write(block);
                    }
                }
                catch (IOException)
                {
                    // full, up to a block
                }
            }
        }
        catch (IOException)
        {
            // its last byte was refused: full
        }

        return async () =>
        {
            File.Delete(ballast);
            await bed.StartTargetAsync(); // a server that finds no room for its log gives up
        };
    }

    private async Task<Func<Task>> HoldTransactionAsync()
    {
        int number = _next++;
        var (who, server) = random.Next(3) switch { 0 => ("through the pooler", bed.Pooled), 1 => ("straight", bed.Host.App), _ => ("of another role", bed.Clerk) };
        log($"  a transaction {who} stays open");
        long token = journal.NextToken(number);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        NpgsqlConnection? connection = null;
        try
        {
            connection = await server.ConnectAsync(who == "through the pooler" ? null : "-c default_transaction_read_only=off", limit.Token);
            var (row, port, timeline) = await FaultyWrite.InsertAsync(connection, "begin", number, token, limit.Token);
            return async () =>
            {
                await using var held = connection;
                try
                {
                    using var end = new CancellationTokenSource(TimeSpan.FromSeconds(5));
                    var sentAt = journal.Now;
                    await held.ExecuteAsync("commit", end.Token);
                    journal.Record(new AcknowledgedCommit(number, WriterKind.Straight, sentAt, journal.Now, port, timeline, [row]));
                }
                catch (Exception error) when (FaultyWrite.IsExpected(error))
                {
                    log($"  the long transaction ended: {error.Message}");
                }
            };
        }
        catch (Exception error) when (FaultyWrite.IsExpected(error))
        {
            await RehearsalWriter.CloseAsync(connection);
            log($"  no long transaction: {error.Message}");
            return Nothing;
        }
    }

    private async Task<Func<Task>> LeavePreparedAsync()
    {
        int number = _next++;
        string gid = string.Create(CultureInfo.InvariantCulture, $"left-{number}");
        long token = journal.NextToken(number);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await using var connection = await bed.Host.App.ConnectAsync("-c default_transaction_read_only=off", limit.Token);
            await FaultyWrite.InsertAsync(connection, "begin", number, token, limit.Token);
            await connection.ExecuteAsync($"prepare transaction '{gid}'", limit.Token);
        }
        catch (Exception error) when (FaultyWrite.IsExpected(error))
        {
            log($"  nothing prepared: {error.Message}");
            return Nothing;
        }

        return async () =>
        {
            try
            {
                using var end = new CancellationTokenSource(TimeSpan.FromSeconds(5));
                await using var connection = await bed.Host.App.ConnectAsync("-c default_transaction_read_only=off", end.Token);
                await connection.ExecuteAsync($"rollback prepared '{gid}'", end.Token);
            }
            catch (Exception error) when (FaultyWrite.IsExpected(error))
            {
                log($"  the prepared transaction was not rolled back: {error.Message}");
            }
        };
    }

    private Func<Task> Flood()
    {
        var stop = new CancellationTokenSource();
        var flood = Task.WhenAll(Enumerable.Range(0, 60).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await using var connection = await bed.Host.App.ConnectAsync(stop.Token);
                    while (!stop.IsCancellationRequested)
                    {
                        await connection.ExecuteAsync("select 1", stop.Token);
                        await Task.Delay(100, stop.Token);
                    }
                }
                catch (Exception error) when (FaultyWrite.IsExpected(error))
                {
                    await RehearsalWriter.PauseAsync(TimeSpan.FromMilliseconds(20), stop.Token);
                }
            }
        })));
        return async () =>
        {
            await stop.CancelAsync();
            await flood;
            stop.Dispose();
        };
    }

    private Func<Task> LetRoguesIn()
    {
        var stop = new CancellationTokenSource();
        var rogues = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => new RogueWriter(_next++, bed.Host.App, journal)).Select(rogue => Task.Run(() => rogue.RunAsync(stop.Token))));
        return async () =>
        {
            await stop.CancelAsync();
            await rogues;
            stop.Dispose();
        };
    }
}
