namespace PgMigration;

/// <summary>Reads a service's section of pg_service.conf.</summary>
/// <remarks>
/// Source: parseServiceInfo and parseServiceFile in fe-connect.c. The user's file is PGSERVICEFILE or ~/.pg_service.conf; what it does not
/// define is looked up in PGSYSCONFDIR/pg_service.conf.
/// </remarks>
internal static class ServiceFile
{
    public static IReadOnlyList<(string Keyword, string Value)> Find(string service)
    {
        string? named = Environment.GetEnvironmentVariable("PGSERVICEFILE") is { Length: > 0 } path ? path : null;
        if (named is not null && !File.Exists(named))
        {
            throw new MigrationException("ServiceFileNotFound", MigrationErrorKind.NotFound, $"The service file '{named}' that PGSERVICEFILE names does not exist.");
        }

        string[] files = [named ?? UserFiles.InHome(".pg_service.conf", ".pg_service.conf"), Path.Combine(SystemFolder(), "pg_service.conf")];
        foreach (string file in files.Where(File.Exists))
        {
            if (Section(file, service) is { } options)
            {
                return options;
            }
        }

        throw new MigrationException("ServiceNotFound", MigrationErrorKind.NotFound,
            $"The service '{service}' is defined in none of {string.Join(", ", files)}. Expected a section [{service}] there.");
    }

    private static string SystemFolder() =>
        Environment.GetEnvironmentVariable("PGSYSCONFDIR") is { Length: > 0 } folder ? folder
        : Directory.Exists("/etc/postgresql-common") ? "/etc/postgresql-common" : "/etc";

    private static List<(string, string)>? Section(string file, string service)
    {
        List<(string, string)>? options = null;
        bool isInside = false;
        int number = 0;
        foreach (string raw in File.ReadLines(file))
        {
            number++;
            string line = raw.Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line[0] == '[')
            {
                if (options is not null)
                {
                    return options; // libpq stops at the first section of the name
                }

                isInside = line.StartsWith($"[{service}]", StringComparison.Ordinal);
                options = isInside ? [] : null;
            }
            else if (isInside)
            {
                options!.Add(Option(line, file, number));
            }
        }

        return options;
    }

    private static (string, string) Option(string line, string file, int number)
    {
        int equals = line.IndexOf('=', StringComparison.Ordinal);
        string where = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"line {number} of the service file '{file}'");
        if (equals < 1 || line.StartsWith("ldap", StringComparison.Ordinal))
        {
            throw new MigrationException("ServiceFileInvalid", MigrationErrorKind.InvalidData, $"{where} is not of the form name=value.");
        }

        string keyword = line[..equals];
        if (keyword == "service" || !LibpqOption.IsKnown(keyword))
        {
            throw new MigrationException("ServiceFileInvalid", MigrationErrorKind.InvalidData, $"{where} sets '{keyword}', which is not an option of a service.");
        }

        LibpqOption.Check(keyword, mayBeSecret: false);
        return (keyword, line[(equals + 1)..]);
    }
}
