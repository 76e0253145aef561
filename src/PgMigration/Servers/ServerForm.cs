namespace PgMigration;

/// <summary>The grammar of a server's text.</summary>
internal enum ServerForm
{
    /// <summary><c>postgres://user@host/database?option=value</c>.</summary>
    Uri,

    /// <summary>libpq's <c>host=db user=app</c>.</summary>
    Conninfo,

    /// <summary>Npgsql's <c>Host=db;Username=app</c>.</summary>
    ConnectionString,
}
