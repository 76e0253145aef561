using System.Globalization;
using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>A run of a task: tables found, loaded, then followed, until something ends it. It goes on where the last one was, however that ended.</summary>
/// <param name="task">The task.</param>
/// <param name="reloads">The tables that someone wants loaded anew.</param>
internal sealed class TaskRun(TaskContext task, ReloadRequests reloads)
{
    /// <summary>Stopped by StopReplicationTask.</summary>
    public const string StoppedNormally = "Stop Reason NORMAL";

    private readonly SourceSlot _slot = new(task);

    private TaskRecord Record => task.Record;

    /// <summary>Runs, trying again what may pass by itself.</summary>
    /// <param name="running">Told when the task runs.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The reason to stop.</returns>
    /// <exception cref="TaskFailure">What ends it.</exception>
    public async Task<string> RunAsync(Action running, CancellationToken cancel)
    {
        int failures = 0;
        while (true)
        {
            var began = DateTime.UtcNow;
            try
            {
                return await RunOnceAsync(running, cancel);
            }
            catch (Exception error) when (!cancel.IsCancellationRequested && Trouble.IsPassing(error))
            {
                var interval = task.Settings.RecoverableErrorInterval;
                failures = DateTime.UtcNow - began > interval + TimeSpan.FromMinutes(1) ? 1 : failures + 1;
                Record.LastFailure = $"Last Error: {error.Message}";
                task.Log($"{error.GetType().Name}: {error.Message}{(error.InnerException is { } cause ? $" ({cause.Message})" : string.Empty)}");
                task.Changed();
                if (task.Settings.RecoverableErrorCount is >= 0 and var limit && failures > limit)
                {
                    throw new TaskFailure(string.Create(CultureInfo.InvariantCulture, $"Given up after {limit} retries: {error.Message}"), error);
                }

                await Task.Delay(Pause(interval, failures), cancel);
            }
            catch (PostgresException error) when (!cancel.IsCancellationRequested)
            {
                throw new TaskFailure($"{error.SqlState}: {error.MessageText}", error);
            }
        }
    }

    /// <summary>Removes what the task made: on the source its slot and publications, on the target what says how far it is.</summary>
    public async Task RemoveAsync(CancellationToken cancel)
    {
        await using var source = await task.ConnectSourceAsync(cancel);
        await Leftovers.EndAsync(source, task.SourceName, cancel);
        await _slot.RemoveAsync(source, cancel);
        await using var target = await task.ConnectTargetAsync(cancel);
        await Leftovers.EndAsync(target, task.TargetName, cancel);
        await task.Control.ForgetTaskAsync(target, cancel);
    }

    /// <summary>Where the task would go on, as far as the target can be asked.</summary>
    public async Task<Lsn?> CheckpointAsync(CancellationToken cancel)
    {
        await using var target = await task.ConnectTargetAsync(cancel);
        return await task.Control.ReadProgressAsync(target, cancel);
    }

    private TimeSpan Pause(TimeSpan first, int failures)
    {
        if (task.Settings.RecoverableErrorLongest is not { } longest)
        {
            return first;
        }

        var grown = first * Math.Pow(2, Math.Min(failures - 1, 12));
        return grown < longest ? grown : longest;
    }

    private async Task<string> RunOnceAsync(Action running, CancellationToken cancel)
    {
        LoadSnapshot? first = null;
        try
        {
            await using (var source = await task.ConnectSourceAsync(cancel))
            await using (var target = await task.ConnectTargetAsync(cancel))
            {
                await Leftovers.EndAsync(source, task.SourceName, cancel);
                await Leftovers.EndAsync(target, task.TargetName, cancel);
                await task.Control.EnsureAsync(target, cancel);
                if (Record.BeginsAnew)
                {
                    await DiscoverAsync(source, cancel);
                    running();
                    first = await BeginAsync(source, target, cancel);
                }
                else
                {
                    await RestoreAsync(target, cancel);
                    await ReviseAsync(source, cancel);
                    running();
                }
            }

            while (true)
            {
                await LoadAsync(first, cancel);
                first = null;
                if (!Record.MovesChanges)
                {
                    await task.Validation.RunOnceAsync(cancel);
                    return "Stop Reason FULL_LOAD_ONLY_FINISHED";
                }

                if (await FollowAsync(cancel) is { } reason)
                {
                    return reason;
                }

                await BeginReloadsAsync(cancel);
            }
        }
        finally
        {
            if (first is not null)
            {
                await first.DisposeAsync();
            }
        }
    }

    private async Task DiscoverAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        if (Record.MovesChanges && await source.AskAsync<string>("SHOW wal_level", cancel) is not "logical" and var level)
        {
            throw new TaskFailure($"The source's wal_level is {level}; changes can only be moved with logical.");
        }

        Record.Tables = await FindTablesAsync(source, cancel);
        if (Record.Tables.Count == 0 && task.Settings.FailsWithoutTables)
        {
            throw new TaskFailure("No tables were found at task initialization. Either the selected table(s) or schemas(s) no longer exist or no match was found for the table selection pattern(s).");
        }

        task.Changed();
    }

    private async Task<List<TableRun>> FindTablesAsync(NpgsqlConnection source, CancellationToken cancel) =>
        [.. (await Catalog.ReadAsync(source, null, cancel)).Where(table => task.Mappings.Includes(table.Name.Schema, table.Name.Table)).Select(table => new TableRun
        {
            Name = table.Name,
            NeedsPreparation = Record.Loads,
            State = Record.Loads ? TableState.Before : TableState.Completed,
            Validation = task.Settings.Validates ? "Pending records" : "Not enabled",
        })];

    // The mappings may have been changed while the task was stopped, and tables may have come. A publication that is made anew under its name
    // is seen by the stream as it was at each moment; what a new table had before is in its load.
    private async Task ReviseAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        var known = Record.Tables.Select(table => table.Name).ToHashSet();
        var fresh = (await FindTablesAsync(source, cancel)).Where(table => !known.Contains(table.Name)).ToList();
        var kept = Record.Tables.Where(table => task.Mappings.Includes(table.Name.Schema, table.Name.Table)).ToList();
        if (fresh.Count > 0 || kept.Count < known.Count)
        {
            Record.Tables = [.. kept, .. fresh];
            task.Save();
            if (Record.MovesChanges)
            {
                await _slot.PublishAsync(source, cancel);
            }
        }
    }

    // Until the record says that the task has begun, all of this is done again after a kill: nothing has been loaded by then.
    private async Task<LoadSnapshot?> BeginAsync(NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancel)
    {
        LoadSnapshot? snapshot = null;
        var position = Lsn.Zero;
        int workers = Record.Loads ? task.Settings.LoadWorkers : 0;
        if (Record.MovesChanges)
        {
            await DdlCapture.InstallAsync(task, source, cancel);
            await _slot.PublishAsync(source, cancel);
            if (task.OwnsSlot)
            {
                snapshot = await _slot.CreateAsync(workers, cancel);
                position = snapshot.Lsn;
            }
            else
            {
                await _slot.CheckAsync(source, cancel);
                position = await StartInForeignSlotAsync(source, cancel);
            }
        }

        await task.Control.BeginAsync(target, position, cancel);
        Record.BeginsAnew = false;
        Record.HasStoppedAfterLoad = false;
        Record.CachedChangesEnd = 0;
        Record.LoadBegan = Record.Loads ? DateTime.UtcNow : null;
        Record.LoadEnded = null;
        task.Log(string.Create(CultureInfo.InvariantCulture, $"Begins with {Record.Tables.Count} tables at {position}."));
        task.Save();
        return snapshot;
    }

    private async Task<Lsn> StartInForeignSlotAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        if (!await _slot.HasForeignAsync(source, cancel))
        {
            // its own publications are younger than the slot; where all is loaded from a later moment, nothing before them is needed
            return Record.Loads && Record.CdcStartPosition is null
                ? await _slot.AdvanceAsync(source, cancel)
                : throw new TaskFailure($"There is no publication named '{task.SlotName}', and one that is made now cannot be read through a slot that is older. Make it before the slot: CREATE PUBLICATION {Sql.Name(task.SlotName)} FOR TABLE …, then pg_create_logical_replication_slot.");
        }

        var confirmed = await SourceSlot.ConfirmedAsync(source, task.SlotName, cancel) ?? Lsn.Zero;
        var wanted = Checkpoint.Read(Record.CdcStartPosition) ?? confirmed;
        return wanted >= confirmed
            ? wanted
            : throw new TaskFailure($"The slot '{task.SlotName}' has been read up to {confirmed} already: changes from {wanted} on cannot be read any more.");
    }

    // What the target says counts: it was committed together with the rows.
    private async Task RestoreAsync(NpgsqlConnection target, CancellationToken cancel)
    {
        var parts = (await task.Control.ReadPartsAsync(target, cancel)).ToLookup(part => part.Table);
        foreach (var table in Record.Tables)
        {
            var loaded = parts[table.Name].Where(part => part.Part >= 0).ToList();
            if (parts[table.Name].FirstOrDefault(part => part.Suspended is not null) is { } suspended)
            {
                table.State = TableState.Error;
                table.Error = suspended.Suspended;
            }
            else if (Record.Loads)
            {
                table.IsLoaded = loaded.Count == (task.PartsOf(table.Name)?.Parts ?? 1) && loaded.TrueForAll(part => part.Snapshot == loaded[0].Snapshot);
                table.State = table.IsLoaded ? TableState.Completed : table.State is TableState.Reloading ? TableState.Reloading : TableState.Before;
                if (table.IsLoaded)
                {
                    table.SnapshotLsn = loaded[0].Snapshot.Position;
                    table.LoadedRows = loaded.Sum(part => part.Rows);
                }
            }
        }

        task.Changed();
    }

    private async Task LoadAsync(LoadSnapshot? first, CancellationToken cancel)
    {
        var missing = Record.Loads ? Record.Tables.Where(table => !table.IsLoaded && !table.IsSuspended).ToList() : [];
        if (missing.Count > 0)
        {
            var load = new FullLoad(task);
            var unprepared = missing.Where(table => table.NeedsPreparation).ToList();
            await load.PrepareAsync(unprepared, task.Settings.Preparation, cancel);
            unprepared.ForEach(table => table.NeedsPreparation = false);
            task.Changed();

            int workers = task.Settings.LoadWorkers;
            await using var snapshot = first ?? await (Record.MovesChanges ? _slot.SnapshotAsync(workers, cancel) : LoadSnapshot.ExportAsync(task.Source, task.SourceName, workers, cancel));
            await load.RunAsync(missing, snapshot, cancel);
        }
        else if (first is not null)
        {
            await first.DisposeAsync();
        }

        if (Record.LoadEnded is null && Record.Loads)
        {
            Record.LoadEnded = DateTime.UtcNow;
            task.Changed();
        }
    }

    private async Task<string?> FollowAsync(CancellationToken cancel)
    {
        bool stopsAfterLoad = Record is { Loads: true, HasStoppedAfterLoad: false };
        if (stopsAfterLoad && task.Settings.StopBeforeCachedChanges)
        {
            Record.HasStoppedAfterLoad = true;
            return "Stop Reason STOPPED_AFTER_FULL_LOAD";
        }

        stopsAfterLoad &= task.Settings.StopAfterCachedChanges;
        if (stopsAfterLoad && Record.CachedChangesEnd == 0)
        {
            // a message in a transaction of its own is flushed at its commit, so that a quiet source's log does reach this position
            await using var source = await task.ConnectSourceAsync(cancel);
            Record.CachedChangesEnd = Lsn.Parse((await source.AskAsync<string>("SELECT pg_logical_emit_message(true, 'awsdms_local', '')::text", cancel))!).Position;
            task.Changed();
        }

        var end = new StreamEnd(StopPosition.Parse(Record.CdcStopPosition), stopsAfterLoad ? new Lsn(Record.CachedChangesEnd) : null);
        using var beside = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var heartbeat = Task.Run(() => new Heartbeat(task).RunAsync(beside.Token), CancellationToken.None);
        var validation = Task.Run(() => task.Validation.RunAsync(beside.Token), CancellationToken.None);
        try
        {
            string? reason = await new Changes(task, _slot).RunAsync(end, () => reloads.Any, cancel);
            Record.HasStoppedAfterLoad |= reason == StreamEnd.AfterCachedChanges;
            return reason;
        }
        finally
        {
            await beside.CancelAsync();
            await Task.WhenAny(heartbeat); // their own failures are in the log
            await Task.WhenAny(validation);
        }
    }

    private async Task BeginReloadsAsync(CancellationToken cancel)
    {
        await using var target = await task.ConnectTargetAsync(cancel);
        while (reloads.TryPeek(out var name))
        {
            var table = Record.Tables.Find(table => table.Name == name)!;
            table.Reset(TableState.Reloading);
            table.NeedsPreparation = true;
            table.WasReloaded = true;
            task.Validation.Forget(name);
            task.Save(); // before the target forgets that it was loaded: what is loaded again must be prepared again
            await task.Control.ForgetAsync(target, name, cancel);
            reloads.Remove(name);
        }
    }
}
