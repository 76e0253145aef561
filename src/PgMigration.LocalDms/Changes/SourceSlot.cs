using Npgsql;
using Npgsql.Replication;

namespace PgMigration.LocalDms;

/// <summary>A task's slot and publications on the source.</summary>
/// <remarks>
/// Tables whose rows have no identity are in a publication of their own that publishes insertions only: in an ordinary one the application's
/// UPDATE would fail on the source. TRUNCATE is in neither, since DMS does not move it.
/// </remarks>
/// <param name="task">The task.</param>
internal sealed class SourceSlot(TaskContext task)
{
    private static readonly TimeSpan DropLimit = TimeSpan.FromSeconds(30);

    private IReadOnlyList<string> Own => [task.Publication, $"{task.Publication}_nokey"];

    /// <summary>
    /// The publications. They must be older than what is read, or decoding dies of "publication does not exist": whoever made a slot of their
    /// own to start at its position has made a publication of the same name before it, and that one counts then.
    /// </summary>
    public async Task<IReadOnlyList<string>> PublicationsAsync(NpgsqlConnection source, CancellationToken cancel) => await HasForeignAsync(source, cancel) ? [task.SlotName] : Own;

    /// <summary>Whether there is a publication of the name of a slot that is not the task's own.</summary>
    public async Task<bool> HasForeignAsync(NpgsqlConnection source, CancellationToken cancel) =>
        !task.OwnsSlot && await source.AskAsync<bool>("SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)", cancel, task.SlotName);

    /// <summary>Makes the publications, or makes them anew for the tables as they are now; not where somebody made one for the slot.</summary>
    public async Task PublishAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        if (await HasForeignAsync(source, cancel))
        {
            return;
        }

        var tables = (await Catalog.ReadAsync(source, [.. task.Tables.Select(table => table.Name)], cancel)).Where(table => !table.IsUnlogged).ToList();
        await using var transaction = await source.BeginTransactionAsync(cancel);
        await source.RunAsync(string.Join(';', Own.Select(name => $"DROP PUBLICATION IF EXISTS {Sql.Name(name)}")), cancel);
        await source.RunAsync(CreateStatement(Own[0], tables.Where(table => table.HasIdentity), "insert, update, delete"), cancel);
        await source.RunAsync(CreateStatement(Own[1], tables.Where(table => !table.HasIdentity), "insert"), cancel);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>Makes the slot, and a snapshot of the moment at which it begins.</summary>
    /// <remarks>It waits for every transaction that is open on the source, prepared ones too.</remarks>
    public Task<LoadSnapshot> CreateAsync(int sessions, CancellationToken cancel) => CreateAsync(task.SlotName, temporary: false, sessions, cancel);

    /// <summary>A snapshot of a later moment, for tables that are loaded when the slot is already in use.</summary>
    public Task<LoadSnapshot> SnapshotAsync(int sessions, CancellationToken cancel) => CreateAsync($"{task.SlotName[..Math.Min(task.SlotName.Length, 50)]}_load", temporary: true, sessions, cancel);

    /// <summary>Refuses a slot that is not there, was invalidated, or speaks another language.</summary>
    /// <returns>Whether the slot tells prepared transactions apart.</returns>
    /// <exception cref="TaskFailure">With what to do.</exception>
    public async Task<bool> CheckAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        var slot = (await source.ReadAsync("SELECT plugin::text, coalesce(wal_status, '') = 'lost', database::text, coalesce(to_jsonb(s)->>'two_phase', 'false') FROM pg_replication_slots s WHERE slot_name = $1",
            row => (Plugin: row.IsDBNull(0) ? null : row.GetString(0), IsLost: row.GetBoolean(1), Database: row.IsDBNull(2) ? null : row.GetString(2), TellsPrepared: row.GetString(3) == "true"), cancel, task.SlotName)).FirstOrDefault();
        string? wrong = slot switch
        {
            { Plugin: null } => $"The replication slot '{task.SlotName}' does not exist on the source: changes since {await PositionAsync(cancel)} cannot be read any more.",
            { IsLost: true } => $"The replication slot '{task.SlotName}' was invalidated: the source removed log that it needed (max_slot_wal_keep_size).",
            { Plugin: not "pgoutput" } => $"The replication slot '{task.SlotName}' uses the plugin {slot.Plugin}; the local DMS reads pgoutput only. Make it with pg_create_logical_replication_slot('{task.SlotName}', 'pgoutput').",
            _ when slot.Database != task.Source.Database => $"The replication slot '{task.SlotName}' belongs to the database {slot.Database}, not to {task.Source.Database}.",
            _ => null,
        };
        return wrong is null ? slot.TellsPrepared : throw new TaskFailure(wrong);
    }

    /// <summary>Moves a slot that is not the task's own to the end of the log: what was before cannot be read through publications that did not exist.</summary>
    public async Task<Lsn> AdvanceAsync(NpgsqlConnection source, CancellationToken cancel) =>
        Lsn.Parse((await source.AskAsync<string>("SELECT end_lsn::text FROM pg_replication_slot_advance($1, pg_current_wal_lsn())", cancel, task.SlotName))!);

    /// <summary>Where the slot stands.</summary>
    public static async Task<Lsn?> ConfirmedAsync(NpgsqlConnection source, string slot, CancellationToken cancel) =>
        await source.AskAsync<string>("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1", cancel, slot) is { } lsn ? Lsn.Parse(lsn) : null;

    /// <summary>Removes a slot by its name: it can appear after the client that asked for it has died.</summary>
    /// <exception cref="TimeoutException">It is in use, and its user does not go.</exception>
    public static async Task DropAsync(NpgsqlConnection source, string slot, CancellationToken cancel)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (await source.AskAsync<bool>("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)", cancel, slot))
        {
            await source.RunAsync("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL", cancel, slot);
            try
            {
                await source.RunAsync("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NULL", cancel, slot);
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.ObjectInUse or PostgresErrorCodes.UndefinedObject)
            {
                // between our two looks it came into use, or went
            }

            if (waited.Elapsed > DropLimit)
            {
                throw new TimeoutException($"The replication slot '{slot}' is in use and cannot be removed.");
            }

            await Task.Delay(50, cancel);
        }
    }

    /// <summary>Removes what the task made on the source: the slot, unless the endpoint named one that was there before, and the publications.</summary>
    public async Task RemoveAsync(NpgsqlConnection source, CancellationToken cancel)
    {
        if (task.OwnsSlot)
        {
            await DropAsync(source, task.SlotName, cancel);
        }

        foreach (string name in Own)
        {
            await source.RunAsync($"DROP PUBLICATION IF EXISTS {Sql.Name(name)}", cancel);
        }
    }

    private async Task<string> PositionAsync(CancellationToken cancel)
    {
        await using var target = await task.ConnectTargetAsync(cancel);
        return (await task.Control.ReadProgressAsync(target, cancel))?.ToString() ?? "its beginning";
    }

    private async Task<LoadSnapshot> CreateAsync(string name, bool temporary, int sessions, CancellationToken cancel)
    {
        await using (var source = await task.ConnectSourceAsync(cancel))
        {
            await DropAsync(source, name, cancel);
        }

        await using var replication = new LogicalReplicationConnection(task.Source.ConnectionString(task.SourceName));
        await replication.Open(cancel);

        // DMS does not move what is prepared in two phases: to leave it out, the stream must tell it apart
        bool tellsPrepared = !temporary && replication.PostgreSqlVersion.Major >= 15;
        var slot = await replication.CreatePgOutputReplicationSlot(name, temporary, LogicalSlotSnapshotInitMode.Export, tellsPrepared, cancel);

        // any further command here, even SHOW, would end the snapshot
        return await LoadSnapshot.ImportAsync(task.Source, task.SourceName, slot.SnapshotName!, new Lsn((ulong)slot.ConsistentPoint), sessions, cancel);
    }

    private static string CreateStatement(string name, IEnumerable<TableDefinition> tables, string publish)
    {
        string list = string.Join(", ", tables.Select(table => $"ONLY {table.Name.Quoted}")); // what inherits is there by itself, if at all
        return $"CREATE PUBLICATION {Sql.Name(name)}{(list.Length == 0 ? string.Empty : $" FOR TABLE {list}")} WITH (publish = '{publish}')";
    }
}
