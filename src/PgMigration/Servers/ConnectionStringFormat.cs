using System.Text;
using System.Text.RegularExpressions;

namespace PgMigration;

/// <summary>Reads Npgsql's <c>Host=db;Username=app;Password="a;b";SSL Mode=VerifyFull</c>.</summary>
/// <remarks>Names without regard to case and spaces; values in single or double quotes, a quote within doubled. Source: NpgsqlConnectionStringBuilder.</remarks>
internal static partial class ConnectionStringFormat
{
    private static readonly Dictionary<string, string> Keywords = new(StringComparer.Ordinal)
    {
        ["host"] = "host", ["server"] = "host", ["port"] = "port", ["database"] = "dbname", ["db"] = "dbname",
        ["username"] = "user", ["userid"] = "user", ["uid"] = "user", ["user"] = "user", ["password"] = "password", ["psw"] = "password", ["pwd"] = "password",
        ["passfile"] = "passfile", ["applicationname"] = "application_name", ["timeout"] = "connect_timeout", ["options"] = "options",
        ["sslmode"] = "sslmode", ["rootcertificate"] = "sslrootcert", ["sslcertificate"] = "sslcert", ["sslkey"] = "sslkey", ["sslpassword"] = "sslpassword",
        ["sslnegotiation"] = "sslnegotiation", ["channelbinding"] = "channel_binding", ["requireauth"] = "require_auth", ["gssencryptionmode"] = "gssencmode",
        ["kerberosservicename"] = "krbsrvname", ["krbsrvname"] = "krbsrvname", ["targetsessionattributes"] = "target_session_attrs",
    };

    // They concern the application's pool and its driver, not the way to the server.
    private static readonly HashSet<string> WithoutEffect =
    [
        "enlist", "clientencoding", "encoding", "timezone", "includerealm", "persistsecurityinfo", "logparameters", "includeerrordetail", "includefailedbatchedcommand",
        "pooling", "minimumpoolsize", "maximumpoolsize", "minpoolsize", "maxpoolsize", "connectionidlelifetime", "connectionpruninginterval", "connectionlifetime", "loadbalancetimeout",
        "commandtimeout", "internalcommandtimeout", "cancellationtimeout", "loadbalancehosts", "hostrecheckseconds", "keepalive", "tcpkeepalive", "tcpkeepalivetime", "tcpkeepaliveinterval",
        "readbuffersize", "writebuffersize", "socketreceivebuffersize", "socketsendbuffersize", "maxautoprepare", "autoprepareminusages", "noresetonclose", "arraynullabilitymode",
        "loadtablecomposites", "servercompatibilitymode", "multiplexing", "trustservercertificate",
    ];

    /// <summary>Whether the text is Npgsql's rather than libpq's: its first name is not one of libpq's, or a semicolon parts known names.</summary>
    public static bool Matches(string text)
    {
        string first = text[..text.IndexOf('=', StringComparison.Ordinal)].Trim();
        return (!LibpqOption.IsKnown(first) && IsKnown(first)) || NextName().Matches(text).Any(match => IsKnown(match.Groups[1].Value));
    }

    public static void Read(string text, ServerText into)
    {
        foreach (var (name, value, isQuoted) in Pairs(text, into))
        {
            string normalized = Normalize(name);
            if (!isQuoted && (Keywords.GetValueOrDefault(normalized) ?? (normalized == "searchpath" ? "options" : null)) is { } known)
            {
                SpilledSecret.CheckRaw(known, value, ServerForm.ConnectionString);
            }

            if (Keywords.TryGetValue(normalized, out string? keyword))
            {
                into.Add(keyword, keyword is "sslmode" or "channel_binding" or "gssencmode" or "sslnegotiation" or "target_session_attrs" ? Lowered(value) : value);
            }
            else if (normalized == "searchpath")
            {
                into.Add("options", "-c search_path=" + value.Replace("\\", @"\\", StringComparison.Ordinal).Replace(" ", @"\ ", StringComparison.Ordinal));
            }
            else if (normalized == "checkcertificaterevocation" && value.Equals("true", StringComparison.OrdinalIgnoreCase))
            {
                throw LibpqOption.NotSupported("Check Certificate Revocation", "revocation lists are not checked here");
            }
            else if (!WithoutEffect.Contains(normalized) && normalized != "checkcertificaterevocation")
            {
                into.Add(name.Trim(), value); // not known: names it, unless it may be a piece of a secret
            }
        }
    }

    /// <summary>Whether it is a name of this form, by whatever case and spaces.</summary>
    public static bool IsKnown(string name) => Normalize(name) is var normalized && (Keywords.ContainsKey(normalized) || WithoutEffect.Contains(normalized) || normalized == "searchpath");

    private static string Normalize(string name) => name.Replace(" ", string.Empty, StringComparison.Ordinal).ToLowerInvariant();

    /// <summary><c>VerifyFull</c> is libpq's <c>verify-full</c>; <c>ReadWrite</c> its <c>read-write</c>.</summary>
    private static string Lowered(string value) => value.ToLowerInvariant() switch
    {
        "verifyca" => "verify-ca",
        "verifyfull" => "verify-full",
        var other => other,
    };

    private static IEnumerable<(string Name, string Value, bool IsQuoted)> Pairs(string text, ServerText into)
    {
        int at = 0;
        while (true)
        {
            while (at < text.Length && (text[at] == ';' || char.IsWhiteSpace(text[at])))
            {
                at++;
            }

            if (at == text.Length)
            {
                yield break;
            }

            int equals = text.IndexOf('=', at);
            int semicolon = text.IndexOf(';', at);
            if (equals < 0 || (semicolon >= 0 && semicolon < equals))
            {
                throw into.Misplaced("what stands between two semicolons", "is not of the form Name=value; a value with a semicolon stands in quotes");
            }

            string name = text[at..equals];
            at = equals + 1;
            bool isQuoted = text[at..].TrimStart() is ['"' or '\'', ..];
            yield return (name, ReadValue(text, ref at) ?? throw into.Misplaced("a value in quotes", "has no closing quote, or something behind it"), isQuoted);
        }
    }

    private static string? ReadValue(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }

        if (at == text.Length || text[at] is not ('"' or '\''))
        {
            int end = text.IndexOf(';', at);
            int begin = at;
            at = end < 0 ? text.Length : end;
            return text[begin..at].Trim();
        }

        char quote = text[at++];
        var value = new StringBuilder();
        for (; at < text.Length; at++)
        {
            if (text[at] != quote)
            {
                value.Append(text[at]);
            }
            else if (at + 1 < text.Length && text[at + 1] == quote)
            {
                value.Append(text[at++]);
            }
            else
            {
                at++;
                int end = text.IndexOf(';', at);
                string behind = end < 0 ? text[at..] : text[at..end];
                at += behind.Length;
                return string.IsNullOrWhiteSpace(behind) ? value.ToString() : null;
            }
        }

        return null;
    }

    [GeneratedRegex(";\\s*([A-Za-z ]+?)\\s*=")]
    private static partial Regex NextName();
}
