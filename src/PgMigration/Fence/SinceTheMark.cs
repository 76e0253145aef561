using Npgsql;

namespace PgMigration;

/// <summary>What happened on a fenced source since the mark was set: what the target will not have.</summary>
internal static class SinceTheMark
{
    /// <summary>
    /// Proves that nothing was made, changed or dropped on the source since its fence was proven. An owner needs no right to change what he
    /// owns, nor to grant it to himself, so a session that overrides the read-only default could; and up to PostgreSQL 15 any session of an
    /// owner may unlink a large object.
    /// </summary>
    /// <exception cref="MigrationException"><c>SourceWrittenAfterMark</c>, naming it.</exception>
    public static async Task<string> ProveUntouchedAsync(CutoverContext context, CancellationToken cancel)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await LookAsync(context, await context.FencedSourceSessionAsync(cancel), cancel);
            }
            catch (NpgsqlException) when (attempt == 1)
            {
                // the session broke; a new one is opened
            }
            catch (Exception error) when (error is NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection })
            {
                context.Observer.Warning($"The source could not be asked whether anything was created since the mark: {Redaction.Of(error.Message)}");
                return "the source did not answer any more";
            }
        }
    }

    /// <summary>
    /// For a cutover that is gone on with behind the begin of its promotion: proves that the source is still fenced and was not written to
    /// meanwhile. Somebody may have opened it by hand while nobody went on, and what was committed there is not on the target.
    /// </summary>
    /// <exception cref="MigrationException"><c>SourceNotFenced</c>: what is not as it was left. <c>SourceStateUnknown</c>: it cannot be reached.</exception>
    public static async Task ProveFencedAsync(CutoverContext context, CancellationToken cancel)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var session = await context.SourceSessionAsync(cancel);
                await SourceFence.RefuseAsync(new FencedServer(session, context.OwnSourcePids, [context.Source], context.Options.FenceTimeout), context.Facts.Fence!, cancel);
                await LookAsync(context, session, cancel);
                return;
            }
            catch (MigrationException error) when (error.ErrorId is "FenceIncomplete" or "SourceWrittenAfterMark")
            {
                throw new MigrationException("SourceNotFenced", MigrationErrorKind.InvalidOperation,
                    $"The source {context.Source} is not as this cutover left it when the promotion was begun: {error.Message} What was committed there since is not on the target, so going on would lose it. Nothing was done. If the app writes to the source again, go back: Undo-Cutover -Journal '{context.Journal.Path}' keeps all that it has; the target is stopped and needs a new restore.", error);
            }
            catch (NpgsqlException) when (attempt == 1)
            {
                // the session broke; a new one is opened
            }
            catch (Exception error) when (error is NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection })
            {
                if (context.Options.SourceIsStopped)
                {
                    context.Observer.Warning($"The source {context.Source} could not be asked, and is taken for stopped since -SourceIsStopped says so. It must not be started for the app again.");
                    return;
                }

                throw new MigrationException("SourceStateUnknown", MigrationErrorKind.Connection,
                    $"The source {context.Source} cannot be reached ({Redaction.Of(error.Message).TrimEnd('.')}), so nobody knows whether it is still fenced: if somebody opened it since the promotion was begun, what was committed there is not on the target. Nothing was done. Let it answer again; or, if it does not run and will not, say so: Resume-Cutover … -SourceIsStopped.", error);
            }
        }
    }

    private static async Task<string> LookAsync(CutoverContext context, NpgsqlConnection source, CancellationToken cancel)
    {
        if (context.Facts.MarkSnapshot is not { } marked)
        {
            return context.Options.SourceIsStopped ? "not asked what happened since: the journal is of an older version"
                : throw new MigrationException("SourceStateUnknown", MigrationErrorKind.InvalidOperation,
                    $"The journal {context.Journal.Path} is of an older version and does not say what the source {context.Source} had when it was marked, so what was written there since cannot be found. Nothing was done. If the source was not written to, stop it and say so: Resume-Cutover … -SourceIsStopped.");
        }

        string fenced = context.Facts.FenceSnapshot ?? marked;
        if (await CatalogChanges.IsQuietAsync(source, fenced, marked, cancel))
        {
            return "nothing written since on the source";
        }

        if (await CatalogChanges.FindAsync(source, fenced, cancel) is [_, ..] changes)
        {
            throw Written($"{string.Join(", ", changes.Take(3))}{(changes.Count > 3 ? " and more" : string.Empty)} was made or changed");
        }

        // What the source had at the mark a physical target has: it need not be counted while nobody knows whether that matters.
        var before = context.Facts.MarkCounts ?? await CatalogChanges.CountAsync(await context.TargetSessionAsync(cancel), cancel);
        return CatalogChanges.Gone(before, await CatalogChanges.CountAsync(source, cancel)) is [_, ..] gone
            ? throw Written($"{string.Join(", ", gone)} disappeared")
            : "nothing made, changed or dropped since on the source";
    }

    private static MigrationException Written(string what) => new("SourceWrittenAfterMark", MigrationErrorKind.InvalidOperation,
        $"On the source, after it was fenced, {what}; the target would not have that. A session of the owner of these objects, which no fence binds, is still changing them: end it, then try again.");
}
