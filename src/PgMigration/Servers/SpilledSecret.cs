using System.Buffers;
using System.Text.RegularExpressions;

namespace PgMigration;

/// <summary>
/// Refuses a shown value into which a mistyped separator has drawn what follows, such as <c>Username=app Password=…</c>: it would come out
/// wherever the server is shown. Never quotes the value.
/// </summary>
/// <remarks>
/// Odd names exist. One that is quoted, or percent-encoded in a URI, is meant as it stands; only the name of a secret and an equals sign
/// are refused there, too.
/// </remarks>
internal static partial class SpilledSecret
{
    private static readonly SearchValues<char> NotInUser = SearchValues.Create(";&=,|:/'\"");

    /// <summary>Checks a value as it stood in the text, before decoding, and unquoted.</summary>
    /// <param name="keyword">The libpq keyword.</param>
    /// <param name="raw">The value as it was typed.</param>
    /// <param name="form">Its grammar, which says how options are parted.</param>
    public static void CheckRaw(string keyword, string raw, ServerForm form)
    {
        bool isSpilled = Named(keyword) switch
        {
            "user" => raw.AsSpan().IndexOfAny(NotInUser) >= 0 || raw.Any(char.IsWhiteSpace),
            "dbname" => raw.AsSpan().IndexOfAny(";&=") >= 0 || (form == ServerForm.Uri && (raw.Contains(':', StringComparison.Ordinal) || raw.Any(char.IsWhiteSpace))),
            "host" or "hostaddr" or "service" or "application_name" => raw.AsSpan().IndexOfAny(";&=") >= 0,
            "secret" => false,
            _ => AnotherOption().Matches(raw).Any(match => IsOption(match.Groups[1].Value)),
        };
        if (isSpilled)
        {
            throw Refuse(keyword, form);
        }
    }

    /// <summary>Checks a value as it is meant, wherever it came from.</summary>
    public static void Check(string keyword, string value)
    {
        if (!LibpqOption.IsSecret(keyword) && SecretName().IsMatch(value))
        {
            throw Refuse(keyword, form: null);
        }
    }

    private static string Named(string keyword) => LibpqOption.IsSecret(keyword) ? "secret" : keyword == "fallback_application_name" ? "application_name" : keyword;

    private static bool IsOption(string name) => LibpqOption.IsKnown(name) || ConnectionStringFormat.IsKnown(name);

    private static MigrationException Refuse(string keyword, ServerForm? form) => ServerText.Invalid($"the value of {keyword}", "looks as if another option, or the password, had got into it; " + form switch
    {
        ServerForm.Uri => "in a URI the password stands behind the user and a colon, options behind a ? and parted by &, and other signs of a name are percent-encoded (; is %3B, = is %3D, & is %26, : is %3A, a space %20)",
        ServerForm.Conninfo => "options are parted by spaces; a name with odd signs stands in single quotes",
        ServerForm.ConnectionString => "options are parted by semicolons in this form, which begins like Host=…;Database=…; a name with odd signs stands in quotes",
        _ => "no name may hold 'password=' or the like",
    });

    [GeneratedRegex(@"[\s;&,]([a-z][a-z_ ]*?)\s*=", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AnotherOption();

    [GeneratedRegex(@"(?:password|passwort|passwd|passphrase|pasword|pwd|psw|secret)\s*=", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SecretName();
}
