namespace PgMigration.Cmdlets;

/// <summary>Stands in until PgServer reads all of its forms itself; a Parse of its own takes precedence, and then this file goes.</summary>
internal static class PgServerParsing
{
    extension(PgServer)
    {
        public static PgServer Parse(string text)
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
            {
                throw new MigrationException("ServerTextInvalid", MigrationErrorKind.InvalidArgument, "Expected postgres://user@host:port/database.");
            }

            string[] login = uri.UserInfo.Split(':', 2);
            return new PgServer(Uri.UnescapeDataString(uri.Host), uri.Port < 0 ? 5432 : uri.Port, Uri.UnescapeDataString(uri.AbsolutePath[1..]),
                Uri.UnescapeDataString(login[0]), login.Length > 1 ? Uri.UnescapeDataString(login[1]) : null);
        }
    }
}
