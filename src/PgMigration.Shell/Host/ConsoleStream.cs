using System.Text.RegularExpressions;

namespace PgMigration.Shell;

/// <summary>Standard output or standard error. The engine colours its text whether or not a terminal reads it; a file gets plain text.</summary>
internal sealed partial class ConsoleStream(TextWriter writer, bool isRedirected)
{
    /// <summary>Whether escape sequences reach the reader. See no-color.org for the variable.</summary>
    public bool ShowsColours { get; } = !isRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Writes the text, in a colour where colours are shown and the text has none of its own.</summary>
    public void Write(string text, ConsoleColor? colour)
    {
        if (!ShowsColours)
        {
            writer.Write(EscapeSequence().Replace(text, string.Empty));
        }
        else if (colour is null || text.Contains('\e', StringComparison.Ordinal))
        {
            writer.Write(text);
        }
        else
        {
            writer.Write($"\e[{AnsiCode(colour.Value)}m{text.TrimEnd('\r', '\n')}\e[0m{text[text.TrimEnd('\r', '\n').Length..]}");
        }

        writer.Flush();
    }

    // ConsoleColor counts red and blue the other way round than ANSI; bright ones are 90 to 97
    private static int AnsiCode(ConsoleColor colour)
    {
        int bits = (int)colour;
        return (bits >= 8 ? 90 : 30) + ((bits & 1) << 2) + (bits & 2) + ((bits & 4) >> 2);
    }

    // CSI sequences (colours, cursor) and OSC sequences (links, titles)
    [GeneratedRegex(@"\e\[[0-?]*[ -/]*[@-~]|\e\].*?(?:\a|\e\\)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex EscapeSequence();
}
