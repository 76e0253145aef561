namespace PgMigration.Wal;

/// <summary>One of the AWS configuration files (<c>~/.aws/config</c>, <c>~/.aws/credentials</c>): sections with keys, read anew each time.</summary>
/// <remarks>
/// The SDK remembers the paths of a process's first use, and this process is a PowerShell session that sets variables as it goes.
/// Format: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
/// </remarks>
internal sealed class AwsConfigFile
{
    private readonly Dictionary<string, Dictionary<string, string>> _sections = new(StringComparer.Ordinal);

    /// <summary>The keys of a section such as <c>profile prod</c>; null when there is none. Those below another key are named <c>s3.endpoint_url</c>.</summary>
    public IReadOnlyDictionary<string, string>? this[string section] => _sections.GetValueOrDefault(section);

    /// <summary>Reads a file; one that does not exist has no sections.</summary>
    /// <exception cref="UnauthorizedAccessException">It is closed to this user.</exception>
    public static AwsConfigFile Read(string path)
    {
        var file = new AwsConfigFile();
        Dictionary<string, string>? section = null;
        string? parent = null;
        foreach (string line in Lines(path))
        {
            string text = line.Trim();
            if (text.Length == 0 || text[0] is '#' or ';')
            {
                continue;
            }

            if (text[0] == '[' && text.IndexOf(']', StringComparison.Ordinal) is > 0 and var end)
            {
                section = file.Section(text[1..end]);
                parent = null;
            }
            else if (section is not null && text.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
            {
                bool isNested = parent is not null && char.IsWhiteSpace(line[0]);
                string key = text[..equals].TrimEnd().ToLowerInvariant();
                string value = Value(key, text[(equals + 1)..].Trim());
                section[isNested ? $"{parent}.{key}" : key] = value;
                parent = isNested ? parent : value.Length == 0 ? key : null;
            }
        }

        return file;
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    // a comment may follow a value, but a command may hold the same characters
    private static string Value(string key, string text)
    {
        int comment = key == "credential_process" ? -1 : text.IndexOfAny(['#', ';']);
        return comment > 0 && char.IsWhiteSpace(text[comment - 1]) ? text[..comment].TrimEnd() : text;
    }

    private Dictionary<string, string> Section(string header)
    {
        string[] words = header.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string name = string.Join(' ', words.Select(word => word.Trim('"', '\'')));
        return _sections.TryGetValue(name, out var known) ? known : _sections[name] = new Dictionary<string, string>(StringComparer.Ordinal);
    }
}
