namespace PgMigration.Wal;

/// <summary>A tablespace of the backed-up cluster. In the parts it is the folder <c>pg_tblspc/&lt;oid&gt;</c>; its link has to be made anew.</summary>
/// <param name="Oid">Its object id.</param>
/// <param name="Location">The folder where it lay on the source.</param>
public sealed record BackupTablespace(uint Oid, string Location);
