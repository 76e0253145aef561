using Npgsql;

namespace PgMigration;

/// <summary>The table in the source that carries a cutover's nonce to the target: what is read there proves that the target has this source's log, on its timeline.</summary>
internal static class MarkTable
{
    /// <summary>Our schema; the fence leaves it alone.</summary>
    public const string Schema = "pgmigration";

    /// <summary>Whether this login may make the table: in a schema that somebody made for it, or in one of its own making.</summary>
    public static Task<bool> MayCreateAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.ScalarAsync<bool>($"select coalesce((select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = '{Schema}'), has_database_privilege(current_database(), 'CREATE'))", cancel);

    /// <summary>Makes the table if it is not there.</summary>
    public static Task CreateAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.ExecuteAsync($"""
            do $$ begin if to_regnamespace('{Schema}') is null then create schema {Schema}; end if; end $$;
            create table if not exists {Schema}.mark (cutover text primary key, nonce text not null, written_at timestamptz not null default now(), proved_at timestamptz, promoting_at timestamptz);
            alter table {Schema}.mark add column if not exists promoting_at timestamptz
            """, cancel);

    /// <summary>Claims the source for a cutover: its row is there from now on, with no nonce yet.</summary>
    public static Task ClaimAsync(NpgsqlConnection session, string cutover, CancellationToken cancel) =>
        session.ExecuteAsync($"insert into {Schema}.mark (cutover, nonce) values (@cutover, '') on conflict (cutover) do nothing", cancel, new NpgsqlParameter<string>("cutover", cutover));

    /// <summary>Which other cutover has claimed the source and was neither finished elsewhere nor undone; null when none has.</summary>
    public static async Task<string?> FindOtherAsync(NpgsqlConnection session, string cutover, CancellationToken cancel) =>
        await session.ScalarAsync<bool>($"select to_regclass('{Schema}.mark') is not null", cancel)
            ? await session.TextOrNullAsync($"select format('%s of %s', cutover, written_at::timestamptz(0)) from {Schema}.mark where cutover <> @cutover order by written_at desc limit 1", cancel, new NpgsqlParameter<string>("cutover", cutover))
            : null;

    /// <summary>Which cutover has claimed the server as its source, and was not undone: the app has left it, or is on its way. Null when none has.</summary>
    /// <remarks>On a server that a cutover went to, a row that came along says when that was proved.</remarks>
    public static async Task<string?> FindClaimAsync(NpgsqlConnection session, CancellationToken cancel) =>
        await session.ScalarAsync<bool>($"select to_regclass('{Schema}.mark') is not null", cancel)
            ? await session.TextOrNullAsync($"select format('%s of %s', cutover, written_at::timestamptz(0)) from {Schema}.mark where proved_at is null order by written_at desc limit 1", cancel)
            : null;

    /// <summary>Writes the nonce; committed when this returns.</summary>
    public static Task WriteAsync(NpgsqlConnection session, string cutover, string nonce, CancellationToken cancel) =>
        session.ExecuteAsync($"insert into {Schema}.mark (cutover, nonce) values (@cutover, @nonce) on conflict (cutover) do update set nonce = excluded.nonce, written_at = now()",
            cancel, new NpgsqlParameter<string>("cutover", cutover), new NpgsqlParameter<string>("nonce", nonce));

    /// <summary>The nonce that a server has for a cutover; null when it has none.</summary>
    public static async Task<string?> ReadAsync(NpgsqlConnection session, string cutover, CancellationToken cancel) =>
        await session.ScalarAsync<bool>($"select to_regclass('{Schema}.mark') is not null", cancel)
            ? await session.TextOrNullAsync($"select nonce from {Schema}.mark where cutover = @cutover", cancel, new NpgsqlParameter<string>("cutover", cutover))
            : null;

    /// <summary>Writes to the table on the promoted target: the proof that it takes writes, and that its commits return.</summary>
    /// <remarks>
    /// A commit that waits for a synchronous standby ends its wait when it is cancelled, and then says that it succeeded, with a warning: so how
    /// long it took is a part of the proof.
    /// </remarks>
    /// <exception cref="MigrationException"><c>CommitHangs</c>: the write was not committed in time.</exception>
    public static async Task ProveAsync(NpgsqlConnection session, string cutover, TimeSpan within, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(within);
        try
        {
            await session.ExecuteAsync($"update {Schema}.mark set proved_at = clock_timestamp() where cutover = @cutover", limit.Token, new NpgsqlParameter<string>("cutover", cutover));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // told below
        }

        cancel.ThrowIfCancellationRequested();
        if (limit.IsCancellationRequested)
        {
            throw new MigrationException("CommitHangs", MigrationErrorKind.Timeout, string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"A write on the target was not committed within {within.TotalSeconds:0.#} s. Look there for synchronous_standby_names, whose standbys a commit waits for, and at its disk."));
        }
    }

    /// <summary>Notes on the source that its target is asked to promote itself.</summary>
    public static Task NotePromotionAsync(NpgsqlConnection session, string cutover, CancellationToken cancel) =>
        session.ExecuteAsync($"update {Schema}.mark set promoting_at = clock_timestamp() where cutover = @cutover", cancel, new NpgsqlParameter<string>("cutover", cutover));

    /// <summary>When the target of a cutover was asked to promote itself; null where that is not noted.</summary>
    public static async Task<string?> FindPromotionAsync(NpgsqlConnection session, string cutover, CancellationToken cancel) =>
        await session.ScalarAsync<bool>($"select exists (select from pg_attribute where attrelid = to_regclass('{Schema}.mark') and attname = 'promoting_at' and not attisdropped)", cancel)
            ? await session.TextOrNullAsync($"select promoting_at::timestamptz(0)::text from {Schema}.mark where cutover = @cutover", cancel, new NpgsqlParameter<string>("cutover", cutover))
            : null;

    /// <summary>Removes the row, and the table and schema with it unless another cutover's row or somebody's object is in there.</summary>
    public static Task RemoveAsync(NpgsqlConnection session, string cutover, CancellationToken cancel) =>
        session.ExecuteAsync($"""
            do $$
            begin
                if to_regclass('{Schema}.mark') is null then return; end if;
                delete from {Schema}.mark where cutover = '{cutover.Replace("'", "''", StringComparison.Ordinal)}';
                if exists (select from {Schema}.mark) then return; end if;
                begin
                    drop table {Schema}.mark;
                    if has_database_privilege(current_database(), 'CREATE') then drop schema {Schema}; end if; -- who could not make it keeps it
                exception when dependent_objects_still_exist or insufficient_privilege then null; -- takes back this block, not the row's removal
                end;
            end $$
            """, cancel);
}
