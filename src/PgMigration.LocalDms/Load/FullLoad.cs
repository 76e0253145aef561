using System.Collections.Concurrent;
using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Loads the tables that are not loaded yet: the highest load order first, then by name, as many at once as the task says.</summary>
/// <param name="task">The task.</param>
internal sealed class FullLoad(TaskContext task)
{
    private readonly ConcurrentDictionary<TableName, int> _missing = new();

    /// <summary>Prepares the target's tables, all before the first is loaded. Done again when it was interrupted: nothing is loaded by then.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="preparation">What the task says.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task PrepareAsync(IReadOnlyCollection<TableRun> tables, TablePreparation preparation, CancellationToken cancel)
    {
        await using var source = await task.ConnectSourceAsync(cancel);
        await using var target = await task.ConnectTargetAsync(cancel);
        var names = tables.Select(table => table.Name).ToList();
        var definitions = (await Catalog.ReadAsync(source, names, cancel)).ToDictionary(table => table.Name);
        var there = (await Catalog.ReadAsync(target, names, cancel)).Select(table => table.Name).ToHashSet();
        foreach (var table in tables)
        {
            if (!definitions.TryGetValue(table.Name, out var definition))
            {
                await task.SuspendAsync(table, $"The source has no table {table.Name} any more.", cancel);
                continue;
            }

            try
            {
                await TargetPreparation.PrepareAsync(target, definition, there.Contains(table.Name), preparation, task.Rules, cancel);
            }
            catch (PostgresException error) when (!Trouble.IsPassing(error))
            {
                await task.FailTableAsync(table, error, cancel);
            }
        }
    }

    /// <summary>Loads them from one moment of the source.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="snapshot">The moment.</param>
    /// <param name="cancel">Ends it; what is not loaded whole is not loaded.</param>
    public async Task RunAsync(IReadOnlyCollection<TableRun> tables, LoadSnapshot snapshot, CancellationToken cancel)
    {
        var queue = new ConcurrentQueue<TablePart>(await PartsAsync(tables, cancel));
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            await Task.WhenAll(snapshot.Sessions.Select(session => Task.Run(() => WorkAsync(queue, session, snapshot.Lsn, failed), CancellationToken.None)));
        }
        finally
        {
            foreach (var table in tables.Where(table => table.State is TableState.Loading or TableState.Reloading))
            {
                table.State = TableState.Cancelled;
                table.LoadedRows = 0;
            }

            task.Changed();
        }
    }

    private async Task<IEnumerable<TablePart>> PartsAsync(IReadOnlyCollection<TableRun> tables, CancellationToken cancel)
    {
        await using var source = await task.ConnectSourceAsync(cancel);
        await using var target = await task.ConnectTargetAsync(cancel);
        var names = tables.Select(table => table.Name).ToList();
        var sources = (await Catalog.ReadAsync(source, names, cancel)).ToDictionary(table => table.Name);
        var targets = (await Catalog.ReadAsync(target, names, cancel)).ToDictionary(table => table.Name);
        var done = (await task.Control.ReadPartsAsync(target, cancel)).ToLookup(part => part.Table);
        var parts = new List<TablePart>();
        foreach (var table in tables.OrderByDescending(table => task.Mappings.LoadOrder(table.Name.Schema, table.Name.Table))
                     .ThenBy(table => table.Name.Schema, StringComparer.Ordinal).ThenBy(table => table.Name.Table, StringComparer.Ordinal))
        {
            if (table.IsSuspended)
            {
                continue;
            }

            if (!sources.TryGetValue(table.Name, out var definition) || !targets.TryGetValue(table.Name, out var onTarget))
            {
                await task.SuspendAsync(table, $"Table {table.Name} is not on both servers.", cancel);
                continue;
            }

            if (definition.PrimaryKey.Count == 0 && definition.Columns.Any(column => column.IsArray))
            {
                await task.SuspendAsync(table, $"Table {table.Name} has array columns and no primary key.", cancel);
                continue;
            }

            var split = TablePart.Split(table, definition, onTarget, task.PartsOf(table.Name)).ToList();
            await RemoveAsync(target, table.Name, [.. split.Where(part => done[table.Name].Any(loaded => loaded.Part == part.Number))], cancel);
            table.LoadedRows = 0;
            _missing[table.Name] = split.Count;
            parts.AddRange(split);
        }

        return parts;
    }

    // Parts that an interrupted run loaded were seen at another moment than the rest will be, and of a change that came between the two
    // nobody could say whether it is in them.
    private async Task RemoveAsync(NpgsqlConnection target, TableName table, List<TablePart> loaded, CancellationToken cancel)
    {
        if (loaded.Count > 0)
        {
            await using var transaction = await target.BeginTransactionAsync(cancel);
            foreach (var part in loaded)
            {
                await target.RunAsync($"DELETE FROM ONLY {table.Quoted}{(part.Condition is null ? string.Empty : $" WHERE {part.Condition}")}", cancel);
            }

            await task.Control.ForgetAsync(target, table, cancel);
            await transaction.CommitAsync(cancel);
        }
    }

    private async Task WorkAsync(ConcurrentQueue<TablePart> queue, NpgsqlConnection source, Lsn snapshot, CancellationTokenSource failed)
    {
        try
        {
            await using var target = await task.ConnectTargetAsync(failed.Token);
            while (queue.TryDequeue(out var part))
            {
                failed.Token.ThrowIfCancellationRequested();
                if (!part.Run.IsSuspended)
                {
                    await LoadAsync(part, source, target, snapshot, failed.Token);
                }
            }
        }
        catch
        {
            await failed.CancelAsync(); // the others would work on for hours before anyone hears of it
            throw;
        }
    }

    private async Task LoadAsync(TablePart part, NpgsqlConnection source, NpgsqlConnection target, Lsn snapshot, CancellationToken cancel)
    {
        var run = part.Run;
        run.State = run.State == TableState.Reloading ? TableState.Reloading : TableState.Loading;
        run.LoadBegan ??= DateTime.UtcNow;
        task.Changed();
        await using var transaction = await target.BeginTransactionAsync(cancel);
        try
        {
            long rows = await new TableLoad(part.Source, part.Target, part.Condition, task.Rules).RunAsync(source, target, run.CountLoaded, cancel);
            await task.Control.RecordPartAsync(target, run.Name, part.Number, snapshot, rows, cancel);
            await transaction.CommitAsync(cancel);
        }
        catch (PostgresException error) when (!Trouble.IsPassing(error) && !cancel.IsCancellationRequested)
        {
            await transaction.RollbackAsync(cancel);
            await task.FailTableAsync(run, error, cancel);
            return;
        }

        if (_missing.AddOrUpdate(run.Name, 0, (_, left) => left - 1) == 0 && !run.IsSuspended)
        {
            run.SnapshotLsn = snapshot.Position;
            run.IsLoaded = true;
            run.State = TableState.Completed;
            run.LoadEnded = DateTime.UtcNow;
            run.Changed = DateTime.UtcNow;
            task.Log($"Loaded {run.Name}: {run.LoadedRows} rows as of {snapshot}.");
            task.Changed();
        }
    }
}
