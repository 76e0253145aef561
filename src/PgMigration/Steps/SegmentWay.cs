using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>How long a WAL segment takes from its completion on the source, through the archive, to its replay on the target: the longest part of a pause.</summary>
/// <remarks>Measured with a segment of our own while the app still runs. The segment that holds the mark goes the same way while the app is paused.</remarks>
/// <param name="Time">What it took.</param>
/// <param name="Ahead">How many complete segments waited before it.</param>
/// <param name="Archived">When the source had archived it, as far as it could be seen; null where it could not, or was too quick.</param>
/// <param name="RetryInterval">How long the target sleeps when the archive does not have the next segment yet.</param>
internal sealed record SegmentWay(TimeSpan Time, int Ahead, TimeSpan? Archived, TimeSpan RetryInterval)
{
    private static readonly TimeSpan LongerThanAllowed = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan UsualRetryInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OtherSteps = TimeSpan.FromMilliseconds(300); // measured; most of it is the promotion
    private static readonly TimeSpan WorthWarning = TimeSpan.FromSeconds(5);

    /// <summary>Completes a segment on the source and waits until the target has replayed it.</summary>
    /// <exception cref="MigrationException"><c>SegmentTooSlow</c>: it did not arrive within -MaxPause and two minutes more, or the archiver fails; <c>LinkBroken</c>.</exception>
    public static async Task<SegmentWay> MeasureAsync(CutoverContext context, CancellationToken cancel)
    {
        int size = context.Facts.SegmentSize;
        var source = await context.SourceSessionAsync(cancel);
        var mark = await source.LsnAsync("pg_logical_emit_message(false, 'pgmigration', 'way')", cancel);
        await WalFiller.CompleteAsync(source, mark, size, cancel);
        var clock = Stopwatch.StartNew();
        var before = await Archiver.ReadAsync(source, cancel);
        string segment = await source.ScalarAsync<string>("select pg_walfile_name(@mark::pg_lsn)", cancel, new NpgsqlParameter<string>("mark", mark.ToString()));
        int ahead = Math.Max(0, SegmentsBetween(await ReplayedAsync(context, cancel) ?? mark, mark, size));
        TimeSpan? archived = null;
        for (var nextLook = BetweenLooks * 2; await ReplayedAsync(context, cancel) is not { } at || at < mark; await Task.Delay(5, cancel)) // a standby tells nobody how far it has replayed
        {
            if (clock.Elapsed < nextLook)
            {
                continue;
            }

            nextLook = clock.Elapsed + BetweenLooks;
            var now = await Archiver.ReadAsync(await context.SourceSessionAsync(cancel), cancel);
            archived ??= now?.HasArchived(segment) == true ? clock.Elapsed : null;
            var lag = await context.Link.MeasureLagAsync(cancel);
            context.Observer.Progress(new MigrationProgress("Cutover", string.Create(CultureInfo.InvariantCulture,
                $"waiting for segment {segment} on the target for {clock.Elapsed.TotalSeconds:0} s{(archived is { } when ? $"; the source archived it after {when.TotalSeconds:0.0} s" : string.Empty)}")));
            if (lag.State is LinkState.Broken or LinkState.Stopped or LinkState.Promoted)
            {
                throw new MigrationException("LinkBroken", MigrationErrorKind.InvalidData, $"The link is {lag.State}: {lag.Detail}");
            }

            bool hopeless = lag.State == LinkState.Stalled || (archived is null && now is not null && (!now.Archives || now.FailedSince(before) > 0));
            if (clock.Elapsed > context.Options.MaxPause + LongerThanAllowed || (hopeless && clock.Elapsed > context.Options.MaxPause))
            {
                throw TooSlow(string.Create(CultureInfo.InvariantCulture,
                    $"Segment {segment}, completed on the source, has not arrived on the target within {clock.Elapsed.TotalSeconds:0} s, and the app may be paused for {context.Options.MaxPause.TotalSeconds:0.#} s (-MaxPause). {Archiver.Explain(now, before, archived)}{(lag.Detail is null ? string.Empty : $" The link is {lag.State}: {lag.Detail.TrimEnd('.')}.")} Repair that, then cut over again."));
            }
        }

        var took = clock.Elapsed;
        var target = await context.TargetSessionAsync(cancel);
        return new SegmentWay(took, ahead, archived < took ? archived : null,
            TimeSpan.FromMilliseconds(await target.ScalarAsync<int>("select setting::int from pg_settings where name = 'wal_retrieve_retry_interval'", cancel)));
    }

    /// <summary>How long the app will be paused, by what is known now; makes sure that it may be.</summary>
    /// <exception cref="MigrationException"><c>SegmentTooSlow</c>, with what was measured and what -MaxPause would have to be.</exception>
    public async Task<TimeSpan> ExpectPauseAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        int waiting = await ReplayedAsync(context, cancel) is { } replayed ? Math.Max(0, SegmentsBetween(replayed, await WalFiller.InsertPositionAsync(source, cancel), context.Facts.SegmentSize)) : Ahead;
        var archive = ArchivePart(waiting);
        var needed = (archive * 1.25) + context.FenceTrial;
        if (needed > context.Options.MaxPause)
        {
            throw TooSlow(string.Create(CultureInfo.InvariantCulture,
                $"A WAL segment took {Time.TotalSeconds:0.0} s from its completion on the source to its replay on the target{(Archived is { } part ? $" (the source archived it after {part.TotalSeconds:0.0} s)" : string.Empty)}{(waiting > Ahead ? $", and {waiting} more wait now" : string.Empty)}{(RetryInterval > UsualRetryInterval ? $"; when the archive has nothing the target sleeps {RetryInterval.TotalSeconds:0.#} s more (wal_retrieve_retry_interval)" : string.Empty)}. The app would be paused for that long, and -MaxPause allows {context.Options.MaxPause.TotalSeconds:0.#} s. {(RetryInterval > UsualRetryInterval ? $"Run on {context.Target}: ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'; SELECT pg_reload_conf(). Or make" : "Make")} the source's archive_command faster, wait for a quieter hour, or allow the pause: -MaxPause {Math.Ceiling(needed.TotalSeconds):0} or more."));
        }

        return archive + context.FenceTrial + OtherSteps;
    }

    /// <summary>Tells what to expect: a warning where the app's users will notice it.</summary>
    public static void Announce(TimeSpan pause, TimeSpan way, IMigrationObserver observer)
    {
        string words = string.Create(CultureInfo.InvariantCulture, $"a WAL segment takes {way.TotalSeconds:0.00} s from the source to the target: expect the app to be paused for about {pause.TotalSeconds:0.0} s, plus the time that it takes to stop");
        observer.Progress(new MigrationProgress("Cutover", words));
        if (pause > WorthWarning)
        {
            observer.Warning($"{char.ToUpperInvariant(words[0])}{words[1..]}.");
        }
    }

    // More segments in the queue than at the measurement take longer in proportion. Where the archive has nothing the target may just have fallen asleep.
    private TimeSpan ArchivePart(int waiting) => (Time * Math.Max(1, (waiting + 1.0) / (Ahead + 1))) + (RetryInterval > UsualRetryInterval ? RetryInterval : TimeSpan.Zero);

    // Whole segments after the one that holds a position and before the one that holds another.
    private static int SegmentsBetween(Lsn replayed, Lsn to, int size) => (int)Math.Min(int.MaxValue, (((long)to.Position - 1) / size) - ((Math.Max(1, (long)replayed.Position) - 1) / size) - 1);

    // Replay does not wait for readers, and we are one: a session of ours that blocked it is opened again.
    private static async Task<Lsn?> ReplayedAsync(CutoverContext context, CancellationToken cancel)
    {
        try
        {
            return await (await context.TargetSessionAsync(cancel)).LsnAsync("pg_last_wal_replay_lsn()", cancel);
        }
        catch (NpgsqlException error) when (error is not PostgresException or PostgresException { SqlState: "40001" or "40P01" or "57P01" })
        {
            context.Observer.Verbose($"the target ended a session of ours: {Redaction.Of(error.Message)}");
            return null;
        }
    }

    private static MigrationException TooSlow(string message) => new("SegmentTooSlow", MigrationErrorKind.Timeout, message);

    /// <summary>What the source's archiver reports: everybody may read it unless an administrator took that away.</summary>
    private sealed record Archiver(bool Archives, long Failed, string? LastArchived, string? LastFailed)
    {
        public static async Task<Archiver?> ReadAsync(NpgsqlConnection source, CancellationToken cancel)
        {
            try
            {
                return (await source.RowsAsync("select current_setting('archive_mode') <> 'off', failed_count, last_archived_wal, last_failed_wal from pg_stat_archiver",
                    row => new Archiver(row.GetBoolean(0), row.GetInt64(1), row.TextOrNull(2), row.TextOrNull(3)), cancel)).FirstOrDefault();
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                return null;
            }
        }

        public bool HasArchived(string segment) => LastArchived is { Length: >= 24 } last && string.CompareOrdinal(last[..24], segment) >= 0;

        public long FailedSince(Archiver? before) => before is null ? 0 : Failed - before.Failed;

        public static string Explain(Archiver? now, Archiver? before, TimeSpan? archived) => (now, archived) switch
        {
            (_, { } when) => string.Create(CultureInfo.InvariantCulture, $"The source archived it after {when.TotalSeconds:0.0} s; what is slow lies between the archive and the target's replay (its restore_command or prefetcher, its disk)."),
            (null, _) => "The source's archiver cannot be asked (pg_stat_archiver).",
            ({ Archives: false }, _) => "On the source archive_mode is off, so its archiver sends nothing.",
            ({ } said, _) when said.FailedSince(before) > 0 => string.Create(CultureInfo.InvariantCulture, $"The source's archiver failed {said.FailedSince(before)} times meanwhile, last with {said.LastFailed}: its archive_command must succeed (see the source's log)."),
            ({ } said, _) => $"The source has not archived it; the last segment that it archived is {said.LastArchived ?? "none"}.",
        };
    }
}
