using Npgsql;

namespace PgMigration;

/// <summary>Makes what the later steps need, so that nothing is made during the pause.</summary>
public sealed class PrepareSource : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(PrepareSource);

    /// <inheritdoc/>
    public string Effect => "create the table pgmigration.mark on the source and claim it; let no reader on the target hold up its replay";

    /// <inheritdoc/>
    public string UndoEffect => "drop pgmigration.mark; let readers on the target hold up replay as before";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        await MarkTable.CreateAsync(source, cancel);
        await MarkTable.ClaimAsync(source, context.Facts.Id, cancel);

        // A reader on the standby may hold replay for 30 s by default, from the archive and from a stream alike: most of a minute of downtime.
        var target = await context.TargetSessionAsync(cancel);
        if (context.Facts.ReadersMayDelay is null || context.Facts.StreamingReadersMayDelay is null)
        {
            context.Learn(context.Facts with
            {
                ReadersMayDelay = context.Facts.ReadersMayDelay ?? await BeforeAsync(target, ReadersDelay.OfArchive, cancel),
                StreamingReadersMayDelay = context.Facts.StreamingReadersMayDelay ?? await BeforeAsync(target, ReadersDelay.OfStream, cancel),
            });
        }

        await target.ExecuteAsync($"alter system set {ReadersDelay.OfArchive} = '{ReadersDelay.NoneBut(context.Facts.ReadersMayDelay!)}'", cancel);
        await target.ExecuteAsync($"alter system set {ReadersDelay.OfStream} = '{ReadersDelay.NoneBut(context.Facts.StreamingReadersMayDelay!)}'", cancel);
        await target.ExecuteAsync("select pg_reload_conf()", cancel);
        return "pgmigration.mark exists";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        await MarkTable.RemoveAsync(await context.SourceSessionAsync(cancel), context.Facts.Id, cancel);
        try
        {
            await ReadersAsBeforeAsync(context, cancel);
        }
        catch (Exception error) when (error is MigrationException or NpgsqlException)
        {
            context.Observer.Warning($"max_standby_archive_delay stays 0 on the target, and max_standby_streaming_delay too, until the next cutover to it ends or is undone: {error.Message}");
        }
    }

    /// <summary>Takes back the setting for readers on the target.</summary>
    internal static async Task ReadersAsBeforeAsync(CutoverContext context, CancellationToken cancel)
    {
        var target = await context.TargetSessionAsync(cancel);
        foreach (var (setting, remembered) in ((string, string?)[])[(ReadersDelay.OfArchive, context.Facts.ReadersMayDelay), (ReadersDelay.OfStream, context.Facts.StreamingReadersMayDelay)])
        {
            if (remembered is not null)
            {
                await target.ExecuteAsync(remembered.Length > 0 ? $"alter system set {setting} = '{remembered.Replace("'", "''", StringComparison.Ordinal)}'" : $"alter system reset {setting}", cancel);
            }
        }

        await target.ExecuteAsync("select pg_reload_conf()", cancel);
    }

    private static async Task<string> BeforeAsync(NpgsqlConnection target, string setting, CancellationToken cancel)
    {
        string before = await target.TextOrNullAsync("select setting from pg_file_settings where name = @name and sourcefile like '%postgresql.auto.conf'", cancel, new NpgsqlParameter<string>("name", setting)) ?? string.Empty;
        return ReadersDelay.Remembered(before) ?? before;
    }
}
