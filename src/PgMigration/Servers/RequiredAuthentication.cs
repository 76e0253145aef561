namespace PgMigration;

/// <summary>libpq's require_auth: the ways of logging in that the client accepts, or with a ! before each, those that it does not.</summary>
internal static class RequiredAuthentication
{
    private static readonly Dictionary<string, string> DriverNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["password"] = "Password", ["md5"] = "MD5", ["gss"] = "GSS", ["sspi"] = "SSPI", ["scram-sha-256"] = "ScramSHA256", ["none"] = "None",
        ["ScramSHA256"] = "ScramSHA256", // the driver's own name, in its own strings
    };

    /// <exception cref="MigrationException"><c>ServerOptionInvalid</c>.</exception>
    public static string? Check(string? text)
    {
        string[] methods = Methods(text);
        if (methods.Any(method => !DriverNames.ContainsKey(method.TrimStart('!'))) || methods.Select(method => method.StartsWith('!')).Distinct().Count() > 1)
        {
            throw LibpqOption.InvalidValue("require_auth", [.. DriverNames.Keys.Take(6), "or several with commas, all or none with a ! before them"]);
        }

        return text;
    }

    /// <summary>The same in the driver's words.</summary>
    public static string? ForDriver(string? text) =>
        text is null ? null : string.Join(',', Methods(text).Select(method => (method.StartsWith('!') ? "!" : string.Empty) + DriverNames[method.TrimStart('!')]));

    /// <summary>Whether a way of logging in, by libpq's word for it, is accepted.</summary>
    public static bool Allows(string? text, string method) => Methods(text) switch
    {
        [] => true,
        var methods when methods[0].StartsWith('!') => !methods.Any(each => DriverNames[each[1..]] == DriverNames[method]),
        var methods => methods.Any(each => DriverNames[each] == DriverNames[method]),
    };

    private static string[] Methods(string? text) => text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
