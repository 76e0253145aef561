using System.Text.RegularExpressions;

namespace PgMigration;

/// <summary>The last net under errors whose text is not ours: secrets in server addresses and connection strings do not pass.</summary>
internal static partial class Redaction
{
    /// <summary>The exception itself when nothing in it looks like a secret; else one that says the same without it.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="errorId">The id that its record has.</param>
    public static Exception Of(Exception failure, string errorId)
    {
        // ToString covers the inner exceptions, which the engine shows too
        string everything = failure.ToString();
        return Of(everything) == everything ? failure : new MigrationException(errorId, MigrationErrorKind.InvalidOperation, Of(failure.Message));
    }

    /// <summary>The text with <c>***</c> in place of each secret.</summary>
    public static string Of(string text) => KeywordSecret().Replace(UriSecret().Replace(text, "$1***$2"), "$1***");

    // scheme://user:SECRET@host: up to the last @ before a slash or a space, since an unescaped secret may hold an @
    [GeneratedRegex(@"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/]+(@)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UriSecret();

    // Up to the next space, ; or &, whatever stands between, since an unescaped secret may hold quotes and commas; only those at the very
    // end belong to the sentence around it. %3D is = in an address that was encoded as a whole.
    [GeneratedRegex(@"((?:password|passwd|pwd|psw|secret_?access_?key|session_?token)\s*(?:=|%3D)\s*)('(?:[^'\\]|\\.|'')*'|""[^""]*""|[^\s;&]+?(?=['"",.)\]}]*(?:[\s;&]|$)))", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex KeywordSecret();
}
