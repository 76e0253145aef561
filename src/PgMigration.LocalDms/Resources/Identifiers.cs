namespace PgMigration.LocalDms;

/// <summary>Names of resources.</summary>
internal static class Identifiers
{
    private const int Longest = 255;

    /// <summary>Checks a name by DMS's rule, and returns it as DMS keeps it: in small letters.</summary>
    /// <exception cref="Fault">InvalidParameterValueException.</exception>
    public static string Check(string? name, string what)
    {
        bool isRight = name is { Length: > 0 and <= Longest } && char.IsAsciiLetter(name[0]) && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-')
            && !name.Contains("--", StringComparison.Ordinal) && name[^1] != '-';
        return isRight
            ? name!.ToLowerInvariant()
            : throw Fault.InvalidValue($"The {what} identifier '{name}' is not valid. It must begin with a letter, hold only ASCII letters, digits and hyphens, at most 255, and neither end with a hyphen nor hold two in a row.");
    }
}
