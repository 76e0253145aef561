using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>Credentials that parameters or the session name: keys, or what gives the keys of now.</summary>
internal readonly record struct AwsChoice(AwsKeys? Keys, Func<AwsKeys>? Session);
