using System.Globalization;
using System.Text;

namespace PgMigration;

/// <summary>A password file: lines of <c>host:port:database:user:password</c>, where <c>*</c> is anything and a backslash stands before <c>:</c> and <c>\</c>.</summary>
/// <remarks>Source: passwordFromFile in fe-connect.c, its rule on permissions included: a file that others may read is not used.</remarks>
internal sealed record PasswordFile(string Path)
{
    /// <summary>The file of this connection: its own, that of PGPASSFILE, or ~/.pgpass.</summary>
    public static PasswordFile For(ConnectionSettings settings) => new(
        settings.PasswordFile
        ?? (Environment.GetEnvironmentVariable("PGPASSFILE") is { Length: > 0 } named ? named : UserFiles.InHome(".pgpass", "pgpass.conf")));

    /// <summary>Why the file is not used although it is there; null when it is used, or is not there.</summary>
    public string? Problem
    {
        get
        {
            if (!File.Exists(Path))
            {
                return Directory.Exists(Path) ? $"The password file '{Path}' is not a plain file and is not used." : null;
            }

            const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
                | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
            return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(Path) & Others) != 0
                ? $"The password file '{Path}' is not used, since its group or others may read it. Run: chmod 0600 '{Path}'"
                : null;
        }
    }

    /// <summary>The password of the first line that matches; null when there is none.</summary>
    public string? Find(ConnectionSettings server)
    {
        if (Problem is not null || !File.Exists(Path))
        {
            return null;
        }

        // libpq's rule: a socket in its usual folder is looked up as localhost
        string host = server.IsSocket && server.Host is "/var/run/postgresql" or "/tmp" ? "localhost" : server.Host;
        string[] wanted = [host, server.Port.ToString(CultureInfo.InvariantCulture), server.Database, server.User];
        try
        {
            return File.ReadLines(Path).Select(line => Match(line, wanted)).FirstOrDefault(password => password is not null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // as libpq: what we may not read does not exist for us; the login's refusal names the file
        }
    }

    private static string? Match(string line, string[] wanted)
    {
        if (line.StartsWith('#'))
        {
            return null;
        }

        int at = 0;
        foreach (string value in wanted)
        {
            if (ReadField(line, ref at, toEnd: false) is not { } field || (field.Raw != "*" && field.Text != value))
            {
                return null;
            }
        }

        return ReadField(line, ref at, toEnd: true) is { Text.Length: > 0 } password ? password.Text : null;
    }

    /// <summary>A field up to the next bare colon, which must be there; or, for the password, up to the end of the line.</summary>
    private static (string Raw, string Text)? ReadField(string line, ref int at, bool toEnd)
    {
        int begin = at;
        var text = new StringBuilder();
        for (; at < line.Length && (toEnd || line[at] != ':'); at++)
        {
            if (line[at] == '\\' && at + 1 < line.Length)
            {
                at++;
            }

            text.Append(line[at]);
        }

        if (!toEnd && at == line.Length)
        {
            return null;
        }

        return (line[begin..at++], text.ToString());
    }
}
