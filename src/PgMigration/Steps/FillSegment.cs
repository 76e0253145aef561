using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>Times a segment's way to the target, fills the source's current WAL segment to its last part before anything waits, and lets the target replay all segments before it.</summary>
public sealed class FillSegment : ICutoverStep
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <inheritdoc/>
    public string Name => nameof(FillSegment);

    /// <inheritdoc/>
    public string Effect => "complete a WAL segment on the source and time its way to the target, which -MaxPause must allow; fill the next one to its last 0.7 MB, so that little is left to write during the pause";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo: a filler is only WAL";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var way = context.Way = await SegmentWay.MeasureAsync(context, cancel);
        context.Learn(context.Facts with { SegmentWay = way.Time });
        string filled = await FillAsync(context, cancel);
        var pause = await way.ExpectPauseAsync(context, cancel);
        SegmentWay.Announce(pause, way.Time, context.Observer);
        return string.Create(CultureInfo.InvariantCulture, $"a segment took {way.Time.TotalSeconds:0.00} s to the target, so a pause of about {pause.TotalSeconds:0.0} s is expected; {filled}");
    }

    /// <summary>Fills the current segment and waits until the target has replayed what lies before it.</summary>
    internal static async Task<string> FillAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        var target = await context.TargetSessionAsync(cancel);
        int size = context.Facts.SegmentSize;
        bool maySwitch = await WalFiller.MaySwitchAsync(source, cancel);
        var clock = Stopwatch.StartNew();
        long rest = Math.Min(WalFiller.SmallestRest, size / 4);
        while (true)
        {
            var before = await WalFiller.InsertPositionAsync(source, cancel);
            long left = WalFiller.Left(before, size);
            bool nearlyOver = left < rest / 2;
            if (!maySwitch && (nearlyOver || left > rest * 3 / 2))
            {
                await WalFiller.WriteAsync(source, nearlyOver ? left : (left - rest) * 99 / 100, cancel);
                before = await WalFiller.InsertPositionAsync(source, cancel);
                left = WalFiller.Left(before, size);
            }

            // What was completed by filling must be on its way before the pause, or the last segment would queue behind it.
            // A record that runs over a segment's end is replayed only with the next one, so the target rests a little before that end.
            var segmentStart = new Lsn(before.Position - (before.Position % (ulong)size));
            var arrived = new Lsn(segmentStart.Position - Math.Min(segmentStart.Position, (ulong)Math.Min(WalFiller.LongestRecordOverTheEnd, size / 4)));
            long written = clock.ElapsedMilliseconds;
            while (await target.LsnAsync("pg_last_wal_replay_lsn()", cancel) < arrived && clock.Elapsed < Patience)
            {
                await Task.Delay(5, cancel); // a standby tells nobody how far it has replayed
            }

            var after = await WalFiller.InsertPositionAsync(source, cancel);
            bool sameSegment = after.Position / (ulong)size == segmentStart.Position / (ulong)size;
            if (sameSegment || clock.Elapsed >= Patience)
            {
                left = WalFiller.Left(after, size);
                return string.Create(CultureInfo.InvariantCulture, $"{left:N0} bytes left in the segment{(maySwitch ? ", which this login may switch" : string.Empty)}, the target has replayed what lies before it{(clock.Elapsed >= Patience ? " (or is still at it)" : string.Empty)}");
            }

            // A busy source has run into the next segment meanwhile: leave it more room, by its own rate.
            long rate = (after - before) * 1000 / Math.Max(1, clock.ElapsedMilliseconds - written);
            rest = Math.Clamp(rate / 4, WalFiller.SmallestRest, size / 2);
        }
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
