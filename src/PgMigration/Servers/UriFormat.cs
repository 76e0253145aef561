using System.Text;

namespace PgMigration;

/// <summary>Reads <c>postgres://user:password@host:port/database?option=value</c>.</summary>
/// <remarks>
/// libpq's grammar (conninfo_uri_parse_options in fe-connect.c), but stricter where a secret was not escaped: libpq would take the wrong
/// piece for the host; we count the @ signs and refuse.
/// </remarks>
internal static class UriFormat
{
    private const string Encode = "percent-encode it in the user or the password (@ is %40, / is %2F, ? is %3F, : is %3A)";

    /// <summary>Whether the text means to be a URI: a scheme, whichever.</summary>
    public static bool Matches(string text)
    {
        int end = text.IndexOf("://", StringComparison.Ordinal);
        return end >= 0 && !text[..end].Contains('=', StringComparison.Ordinal);
    }

    public static void Read(string text, ServerText into)
    {
        int schemeEnd = text.IndexOf("://", StringComparison.Ordinal);
        if (text[..schemeEnd] is not ("postgres" or "postgresql"))
        {
            throw ServerText.Invalid("the scheme before ://", "is not postgres or postgresql" + (text.StartsWith("jdbc:", StringComparison.Ordinal) ? " (leave out jdbc:)" : string.Empty));
        }

        string rest = text[(schemeEnd + 3)..];
        int authorityEnd = rest.IndexOfAny(['/', '?']);
        string authority = authorityEnd < 0 ? rest : rest[..authorityEnd];
        int at = rest.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0 && rest.IndexOf('@', at + 1) >= 0)
        {
            throw ServerText.Invalid("the part before the host", $"is not clear, since there is more than one @; {Encode}");
        }

        if (at >= authority.Length)
        {
            throw ServerText.Invalid("the part before the @", $"holds a / or a ?, so where the host begins is not clear; {Encode}");
        }

        if (at >= 0)
        {
            ReadLogin(authority[..at], into);
        }

        ReadHost(authority[(at + 1)..], into);
        string tail = authorityEnd < 0 ? string.Empty : rest[authorityEnd..];
        int question = tail.IndexOf('?', StringComparison.Ordinal);
        string path = question < 0 ? tail : tail[..question];
        if (path.Length > 1)
        {
            into.Add("dbname", Decode(path[1..], "the database"), path[1..], ServerForm.Uri);
        }

        if (question >= 0)
        {
            ReadQuery(tail[(question + 1)..], into);
        }
    }

    private static void ReadLogin(string login, ServerText into)
    {
        int colon = login.IndexOf(':', StringComparison.Ordinal);
        string user = colon < 0 ? login : login[..colon];
        into.Add("user", Decode(user, "the user"), user, ServerForm.Uri);
        if (colon >= 0)
        {
            into.AddDelimited("password", Decode(login[(colon + 1)..], "the password"));
        }
    }

    private static void ReadHost(string text, ServerText into)
    {
        string host = text;
        string port = string.Empty;
        if (text.StartsWith('['))
        {
            int end = text.IndexOf(']', StringComparison.Ordinal);
            if (end < 0 || (end + 1 < text.Length && text[end + 1] != ':'))
            {
                throw ServerText.Invalid("the host", "begins with [ as an IPv6 address does, but has no ] that ends it");
            }

            (host, port) = (text[1..end], text[(end + 1)..].TrimStart(':'));
        }
        else if (text.IndexOf(':', StringComparison.Ordinal) is >= 0 and int colon && !text.Contains(',', StringComparison.Ordinal))
        {
            (host, port) = (text[..colon], text[(colon + 1)..]);
        }

        if (!port.All(char.IsAsciiDigit) && !port.Contains(',', StringComparison.Ordinal))
        {
            throw ServerText.Invalid("the port", $"is not a number; if it is a password, the @host behind it is missing, or a letter of it must be encoded: {Encode}");
        }

        // an empty part is not said at all, so that a service or the environment may say it
        if (host.Length > 0)
        {
            into.Add("host", Decode(host, "the host"), host, ServerForm.Uri);
        }

        if (port.Length > 0)
        {
            into.Add("port", port);
        }
    }

    private static void ReadQuery(string query, ServerText into)
    {
        int number = 0;
        foreach (string option in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            number++;
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                throw into.Misplaced($"option {number.ToString(System.Globalization.CultureInfo.InvariantCulture)} behind the ?", "is not of the form name=value");
            }

            string keyword = Decode(option[..equals], "an option's name");
            string raw = option[(equals + 1)..];
            string value = Decode(raw, LibpqOption.IsKnown(keyword) ? keyword : "an option's value");
            if (keyword == "ssl" && value == "true")
            {
                (keyword, value) = ("sslmode", "require"); // JDBC's way of saying it, which libpq takes too
            }

            into.Add(keyword, value, raw, ServerForm.Uri);
        }
    }

    /// <summary>Percent-decoding that refuses what libpq refuses: a lone %, and %00.</summary>
    private static string Decode(string text, string part)
    {
        if (!text.Contains('%', StringComparison.Ordinal))
        {
            return text;
        }

        var bytes = new List<byte>(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                // whole runs, so that a surrogate pair is not cut
                int end = text.IndexOf('%', i);
                string run = end < 0 ? text[i..] : text[i..end];
                bytes.AddRange(Encoding.UTF8.GetBytes(run));
                i += run.Length - 1;
            }
            else if (i + 2 < text.Length && byte.TryParse(text.AsSpan(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out byte value) && value != 0)
            {
                bytes.Add(value);
                i += 2;
            }
            else
            {
                throw ServerText.Invalid(part, "holds a % without two hexadecimal digits behind it; a % itself is written %25");
            }
        }

        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            throw ServerText.Invalid(part, "is not UTF-8 once percent-decoded");
        }
    }
}
