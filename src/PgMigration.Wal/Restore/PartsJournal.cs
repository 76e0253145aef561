namespace PgMigration.Wal;

/// <summary>The parts of a backup that are extracted and on disk: <c>pgmigration/parts.done</c>, one name a line.</summary>
/// <remarks>A line that a kill cut short has no end of line and does not count; its part is extracted again.</remarks>
internal sealed class PartsJournal : IDisposable
{
    private readonly FileStream _file;

    /// <summary>Opens the journal of a data directory and reads what is done.</summary>
    public PartsJournal(string file)
    {
        _file = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        using var reader = new StreamReader(_file, leaveOpen: true);
        string text = reader.ReadToEnd();
        int whole = text.LastIndexOf('\n') + 1;
        Done = text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        _file.SetLength(whole); // names are ASCII: characters are bytes
        _file.Position = whole;
    }

    /// <summary>The parts that were done when it was opened.</summary>
    public IReadOnlySet<string> Done { get; }

    /// <summary>Adds parts whose files have been flushed.</summary>
    public void Add(IEnumerable<string> parts)
    {
        foreach (string part in parts)
        {
            _file.Write(System.Text.Encoding.UTF8.GetBytes(part + "\n"));
        }

        _file.Flush(flushToDisk: true);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
