using System.Globalization;

namespace PgMigration;

/// <summary>Whether a link is near enough, and flows: positions that stand still look like a link without lag, and are none.</summary>
internal static class LinkFlow
{
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task<string> CheckAsync(CutoverContext context, CancellationToken cancel)
    {
        var lag = await context.Link.MeasureLagAsync(cancel);
        if (lag.State is not (LinkState.Following or LinkState.CatchingUp))
        {
            throw Preconditions.Closed($"The link is {lag.State}: {lag.Detail ?? "it does not follow the source."}");
        }

        if (context.Link is DmsLink)
        {
            return CheckRows(lag, context.Options);
        }

        // The insert position, not the written one: what an asynchronous commit has put there counts.
        var source = await (await context.SourceSessionAsync(cancel)).LsnAsync("pg_current_wal_insert_lsn()", cancel);
        var target = await (await context.TargetSessionAsync(cancel)).LsnAsync("pg_last_wal_replay_lsn()", cancel);
        long bytes = Math.Max(0, source - target);
        if (bytes > context.Options.MaxLagBytes)
        {
            throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"The target is {bytes:N0} bytes behind ({target} against {source}); the bound is {context.Options.MaxLagBytes:N0}. Wait with Wait-ReplicationLag, or raise -MaxLag."));
        }

        // An archive holds whole segments, so that the distance swings by one, and one more is on its way. Beyond that it must not grow.
        long swing = 2L * context.Facts.SegmentSize;
        if (context.FirstLag is { } first && bytes > swing && bytes > first.Bytes + context.Facts.SegmentSize)
        {
            throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"The lag grows: {first.Bytes:N0} bytes when the cutover began, {bytes:N0} now. {(target == first.Target ? $"The target has replayed nothing since ({target}): look at its log and at the source's archiver." : "Wait for a quieter hour, or look at what slows the target (Get-ReplicationLag -Watch).")}"));
        }

        context.FirstLag ??= (bytes, target);
        return string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes behind");
    }

    // Rows arrive by themselves, and not as positions: the heartbeat tells.
    private static string CheckRows(ReplicationLag lag, CutoverOptions options)
    {
        if (lag is not { Bytes: { } bytes, Time: { } time })
        {
            throw Preconditions.Closed($"The lag cannot be measured from end to end. {lag.Detail}".TrimEnd());
        }

        return bytes <= options.MaxLagBytes ? string.Create(CultureInfo.InvariantCulture, $"a row arrives within {LagText.Of(time)}")
            : throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"The target is {bytes:N0} bytes of WAL behind, {LagText.Of(time)}; the bound is {options.MaxLagBytes:N0}. Wait with Wait-ReplicationLag, or raise -MaxLag."));
    }
}
