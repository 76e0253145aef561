using System.Collections.Concurrent;
using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>Compares the rows of loaded tables on both servers, and those that change again: DMS's data validation.</summary>
/// <remarks>A row that differs is looked at again, since a change of it may be on its way; the delays that DMS has in minutes are seconds here.</remarks>
/// <param name="task">The task.</param>
internal sealed class Validation(TaskContext task)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<TableName, ConcurrentDictionary<RowKey, DoubtfulRow>> _doubts = new();
    private readonly ConcurrentDictionary<TableName, HashSet<RowKey>> _failed = new();
    private readonly HashSet<TableName> _scanned = [];

    private TimeSpan FailureDelay => TimeSpan.FromSeconds(task.Settings.ValidationFailureDelay);

    private TimeSpan SuspendDelay => TimeSpan.FromSeconds(task.Settings.ValidationSuspendDelay);

    /// <summary>A change was applied: its row is compared anew.</summary>
    public void Touch(RowChange change)
    {
        if (task.Settings.Validates && RowKey.Of(change) is { } key)
        {
            var doubt = _doubts.GetOrAdd(change.Table.Run.Name, _ => new()).GetOrAdd(key, _ => new DoubtfulRow());
            doubt.Changed = DateTime.UtcNow;
            if (change.Table.Run.Validation is "Validated")
            {
                change.Table.Run.Validation = "Pending revalidation";
            }
        }
    }

    /// <summary>A table is loaded anew: all of it is compared again.</summary>
    public void Forget(TableName table)
    {
        _scanned.Remove(table);
        _failed.TryRemove(table, out _);
        _doubts.TryRemove(table, out _);
    }

    /// <summary>Compares until it is stopped. A server that cannot be asked is asked again.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        if (!task.Settings.Validates)
        {
            return;
        }

        using var timer = new PeriodicTimer(Look);
        do
        {
            try
            {
                await PassAsync(cancel);
            }
            catch (Exception error) when (error is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException)
            {
                task.Log($"The comparison of rows was interrupted: {error.Message}");
            }
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }

    /// <summary>Compares all tables once, and looks again until no row is in doubt: for a task that ends with its load.</summary>
    public async Task RunOnceAsync(CancellationToken cancel)
    {
        if (task.Settings.Validates)
        {
            await PassAsync(cancel);
            while (_doubts.Values.Any(rows => !rows.IsEmpty))
            {
                await Task.Delay(Look, cancel);
                await PassAsync(cancel);
            }
        }
    }

    private async Task PassAsync(CancellationToken cancel)
    {
        var due = task.Tables.Where(table => table.State == TableState.Completed && (!_scanned.Contains(table.Name) || _doubts.TryGetValue(table.Name, out var rows) && !rows.IsEmpty)).ToList();
        if (due.Count == 0)
        {
            return;
        }

        await using var source = await task.ConnectSourceAsync(cancel);
        await using var target = await task.ConnectTargetAsync(cancel);
        await ComparedTable.PrepareAsync(source, cancel);
        await ComparedTable.PrepareAsync(target, cancel);
        var names = due.Select(table => table.Name).ToList();
        var sources = (await Catalog.ReadAsync(source, names, cancel)).ToDictionary(table => table.Name);
        var targets = (await Catalog.ReadAsync(target, names, cancel)).ToDictionary(table => table.Name);
        foreach (var table in due)
        {
            if (!sources.TryGetValue(table.Name, out var definition) || !targets.TryGetValue(table.Name, out var onTarget))
            {
                table.Validation = "Table error";
                continue;
            }

            if (definition.PrimaryKey.Count == 0)
            {
                table.Validation = "No primary key";
                _scanned.Add(table.Name);
                _doubts.TryRemove(table.Name, out _);
                continue;
            }

            await CompareAsync(new ComparedTable(table, definition, onTarget, task.Rules, task.Settings.ValidationSkipsLobs), source, target, cancel);
            task.Changed();
        }
    }

    private async Task CompareAsync(ComparedTable compared, NpgsqlConnection source, NpgsqlConnection target, CancellationToken cancel)
    {
        var table = compared.Run;
        var doubts = _doubts.GetOrAdd(table.Name, _ => new());
        var failed = _failed.GetOrAdd(table.Name, _ => []);
        if (!_scanned.Contains(table.Name))
        {
            table.Validation = "Pending records";
            await compared.ScanAsync(source, target, key => doubts.TryAdd(key, new DoubtfulRow()), cancel);
            _scanned.Add(table.Name);
        }

        var keys = doubts.Keys.ToList();
        var different = (await compared.DifferencesAsync(source, target, keys, cancel)).ToDictionary(row => row.Key, row => row.Kind);
        foreach (var key in keys)
        {
            if (!doubts.TryGetValue(key, out var doubt))
            {
                continue;
            }

            var now = DateTime.UtcNow;
            if (!different.TryGetValue(key, out string? kind))
            {
                doubt.DifferentSince = null;
                if (now - doubt.Changed > Look)
                {
                    doubts.TryRemove(key, out _);
                    failed.Remove(key);
                }
            }
            else if (now - doubt.Changed >= FailureDelay && now - (doubt.DifferentSince ??= now) >= FailureDelay)
            {
                doubts.TryRemove(key, out _);
                if (failed.Add(key))
                {
                    await WriteFailureAsync(target, table, key, kind, cancel);
                }
            }
            else if (now - doubt.Since >= SuspendDelay)
            {
                doubts.TryRemove(key, out _);
                table.ValidationSuspended++;
            }
        }

        table.ValidationPending = doubts.Count;
        table.ValidationFailed = failed.Count;
        table.Validation = table.ValidationPending > 0 ? "Pending records" : table.ValidationFailed > 0 ? "Mismatched records" : table.ValidationSuspended > 0 ? "Suspended records" : "Validated";
    }

    private Task<int> WriteFailureAsync(NpgsqlConnection target, TableRun table, RowKey key, string kind, CancellationToken cancel) => target.RunAsync(
        $"INSERT INTO {task.Control.ValidationFailures} VALUES ($1, $2, $3, now(), 'Row', $4, $5, '')", cancel, task.Record.Identifier, table.Name.Schema, table.Name.Table, key.Text, kind);
}
