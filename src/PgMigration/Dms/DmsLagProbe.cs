using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Measures a DMS link: our own heartbeat from end to end, the slots on the source, and what DMS says of its tasks.</summary>
internal sealed class DmsLagProbe
{
    /// <summary>Sessions that measure write their beat whatever the default is; a source that is fenced spares our schema.</summary>
    internal const string SessionOptions = "-c default_transaction_read_only=off -c synchronous_commit=on";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StandstillLimit = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private (DateTime At, long Held)? _first;

    /// <summary>Measures now.</summary>
    public async Task<ReplicationLag> MeasureAsync(DmsLink link, CancellationToken cancel)
    {
        var state = await AskDmsAsync(link, cancel);
        if (link.Source is null)
        {
            return state with { Detail = Join(state.Detail, "The source was not asked: -Source measures the distance.") };
        }

        NpgsqlConnection? source = null, target = null;
        try
        {
            source = await link.Source.ConnectAsync(SessionOptions, cancel);
            target = await link.Target.ConnectAsync(cancel);
            return await MeasureAsync(link, source, target, state, cancel);
        }
        catch (Exception error) when (error is MigrationException { Kind: MigrationErrorKind.Connection } or NpgsqlException { SqlState: null } or IOException)
        {
            string who = source is null ? "The source" : target is null ? "The target" : "One of the two servers";
            return state with
            {
                State = state.State is LinkState.Following or LinkState.CatchingUp ? LinkState.Stalled : state.State,
                Detail = Join(state.Detail, $"{who} cannot be asked how far it is. {Redaction.Of(error.Message)}"),
            };
        }
        finally
        {
            await DisposeAsync(source);
            await DisposeAsync(target);
        }
    }

    private async Task<ReplicationLag> MeasureAsync(DmsLink link, NpgsqlConnection source, NpgsqlConnection target, ReplicationLag state, CancellationToken cancel)
    {
        var slots = await DmsSlots.ReadAsync(source, link, cancel);
        var flow = await BeatAsync(link, source, target, cancel);
        var inserted = await source.LsnAsync("pg_current_wal_insert_lsn()", cancel);
        long? held = slots.Count == 0 ? null : slots.Max(slot => slot.HeldBytes);
        long? free = held is null ? null : await DmsSlots.FreeBytesAsync(source, cancel);
        long? room = slots.Select(slot => slot.SafeBytes).Append(free).Where(bytes => bytes is not null).DefaultIfEmpty(null).Min();
        var lag = state with
        {
            SourceLsn = inserted,
            TargetLsn = flow.Arrived,
            Bytes = flow.Arrived is { } far ? Math.Max(0, inserted - far) : null,
            Time = state.State == LinkState.Preparing ? null : flow.Time,
            HeldBytes = held,
            RoomBytes = room,
        };
        if (slots.FirstOrDefault(slot => slot.IsLost) is { } lost)
        {
            return lag with { State = LinkState.Broken, Detail = $"The slot {lost.Name} on the source is lost: WAL that it needs was removed (max_slot_wal_keep_size). {DmsTaskReport.SlotLost}" };
        }

        // A task that was reloaded has a new slot: only where there are too few is one that is gone missed.
        if (slots.Count < link.Tasks.Count && await DmsSlots.FindGoneAsync(source, link, cancel) is [var gone, ..])
        {
            return lag with { State = LinkState.Broken, Detail = $"The slot {gone} on the source is gone: somebody dropped it. {DmsTaskReport.SlotLost}" };
        }

        if (lag.State == LinkState.Following)
        {
            lag = Judge(lag, flow, slots);
        }

        return lag with { Detail = Join(lag.Detail, flow.Problem, Warn(held, room)) };
    }

    private static ReplicationLag Judge(ReplicationLag lag, Flow flow, IReadOnlyList<DmsSlot> slots)
    {
        bool stands = flow.Time > StandstillLimit;
        if (stands && slots.FirstOrDefault(slot => !slot.IsActive) is { } idle)
        {
            return lag with { State = LinkState.Stalled, Detail = $"DMS is not connected to its slot {idle.Name} on the source, and nothing has arrived for {LagText.Of(flow.Time!.Value)}." };
        }

        return stands
            ? lag with { State = LinkState.Stalled, Detail = $"A row that was written on the source {LagText.Of(flow.Time!.Value)} ago has not arrived. Look at the task's log, at long transactions on the source, and at locks on the target." }
            : lag with { State = flow.IsOnItsWay ? LinkState.CatchingUp : LinkState.Following };
    }

    // A beat that is still on its way is left alone: its age is the lag. Otherwise a new one is written, and looked for at once.
    private static async Task<Flow> BeatAsync(DmsLink link, NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancel)
    {
        var there = await DmsHeartbeat.ReadAsync(target, link.Tasks, cancel);
        var here = await DmsHeartbeat.ReadAsync(source, link.Tasks, cancel);
        if (link.Tasks.Where((_, place) => here[place] is null).Select(task => task.Identifier).ToArray() is [_, ..] mute)
        {
            return new Flow(null, null, false, $"{string.Join(", ", mute)}: no heartbeat of ours is among the task's tables, so its lag cannot be measured from end to end. Stop-PgDmsReplication and Start-PgDmsReplication -TaskArn add it.");
        }

        var (oldest, time) = Behind(here, there);
        if (time is null)
        {
            try
            {
                foreach (var task in link.Tasks)
                {
                    await DmsHeartbeat.BeatAsync(source, task, cancel);
                }
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.ReadOnlySqlTransaction)
            {
                return new Flow(oldest, null, false, $"This login may not write its heartbeat on the source: {error.MessageText}.");
            }

            here = await DmsHeartbeat.ReadAsync(source, link.Tasks, cancel);
        }

        for (var clock = Stopwatch.StartNew(); ;)
        {
            there = await DmsHeartbeat.ReadAsync(target, link.Tasks, cancel);
            (oldest, time) = Behind(here, there);
            if (time is null)
            {
                return new Flow(oldest, clock.Elapsed, false, null);
            }

            if (clock.Elapsed > Patience)
            {
                return new Flow(oldest, time + clock.Elapsed, true, null);
            }

            await Task.Delay(20, cancel); // a row that arrives tells nobody
        }
    }

    /// <summary>The oldest position that has arrived for every task, and how old the oldest beat is that has not; null when all have.</summary>
    private static (Lsn? Arrived, TimeSpan? Time) Behind(DmsBeat?[] here, DmsBeat?[] there)
    {
        Lsn? arrived = there.All(beat => beat is not null) ? there.Min(beat => beat!.Lsn) : null;
        var missing = here.Where((beat, place) => there[place]?.Number < beat!.Number || there[place] is null).Select(beat => beat!.Age).ToArray();
        return (arrived, missing.Length == 0 ? null : missing.Max());
    }

    private static async Task<ReplicationLag> AskDmsAsync(DmsLink link, CancellationToken cancel)
    {
        var lag = new ReplicationLag { State = LinkState.Following, MeasuredAt = DateTime.UtcNow };
        try
        {
            using var dms = link.Connect();
            var tasks = await DmsTasks.GlanceAsync(dms, link.TaskArns, cancel);
            var worst = tasks.FirstOrDefault(task => task.IsFailed) ?? tasks.FirstOrDefault(task => task.State == "Stopped") ?? tasks.FirstOrDefault(task => !task.IsFollowing);
            return worst is null ? lag : lag with
            {
                State = worst.IsFailed ? LinkState.Broken : worst.Status is "stopped" or "stopping" or "deleting" ? LinkState.Stopped : LinkState.Preparing,
                Detail = worst.Detail ?? string.Create(CultureInfo.InvariantCulture, $"Task {worst.Task} is {worst.Status}{(worst.LoadedPercent is { } percent ? $", {percent} % loaded" : string.Empty)}."),
            };
        }
        catch (MigrationException error) when (error.Kind is MigrationErrorKind.Connection or MigrationErrorKind.PermissionDenied or MigrationErrorKind.ResourceUnavailable)
        {
            return lag with { Detail = $"DMS cannot be asked about its tasks: {error.Message}" };
        }
    }

    // Well before the disk is full: half of the room that is left, or less than a day at the pace at which what is held has grown since we looked first.
    private string? Warn(long? held, long? room)
    {
        if (held is not { } bytes)
        {
            return null;
        }

        (DateTime At, long Held) first;
        lock (_lock)
        {
            first = _first ??= (DateTime.UtcNow, bytes);
        }

        double seconds = (DateTime.UtcNow - first.At).TotalSeconds;
        double pace = seconds > 60 ? (bytes - first.Held) / seconds : 0;
        bool isNear = room is { } left && (bytes > left || (pace > 0 && left / pace < TimeSpan.FromHours(24).TotalSeconds && bytes > left / 4));
        return !isNear ? null : $"The source keeps {LagText.Of(bytes)} of WAL for DMS and has room for {LagText.Of(room!.Value)} more{(pace > 0 ? $", which lasts {LagText.Of(TimeSpan.FromSeconds(room.Value / pace))} at this pace" : string.Empty)}. Let the task catch up, make room, or remove it (Remove-PgDmsReplication) before the disk is full or the slot is lost.";
    }

    private static string? Join(params string?[] details) => details.Where(text => text is not null).ToArray() is [_, ..] said ? string.Join(" ", said) : null;

    private static async ValueTask DisposeAsync(NpgsqlConnection? connection)
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    private sealed record Flow(Lsn? Arrived, TimeSpan? Time, bool IsOnItsWay, string? Problem);
}
