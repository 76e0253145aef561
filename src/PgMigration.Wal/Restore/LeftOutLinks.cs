using System.Collections.Concurrent;
using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>The links of a base backup that are left out: what they pointed to is not in the backup, and none is made here.</summary>
/// <remarks>
/// Sources link what an administrator keeps elsewhere, such as <c>conf.d</c>. No entry may pass through such a link: the backup would
/// contradict itself, and on a tool that makes the link it would write outside. WAL-G lists links among the files, so those that an
/// earlier run left out are remembered in the journal of parts.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class LeftOutLinks(IMigrationObserver observer)
{
    private const string JournalPrefix = "link:";
    private const int MostWarnings = 20;
    private const int MostLinks = 10_000;

    private readonly ConcurrentDictionary<string, string> _targets = new(StringComparer.Ordinal);
    private int _warnings;

    /// <summary>Is given a line for the journal of parts with each link, before its part counts as done.</summary>
    public Action<string> Record { get; set; } = _ => { };

    /// <summary>Takes in what an earlier run recorded.</summary>
    public void Load(IEnumerable<string> journal)
    {
        foreach (string line in journal.Where(line => line.StartsWith(JournalPrefix, StringComparison.Ordinal)))
        {
            _targets[Uri.UnescapeDataString(line[JournalPrefix.Length..])] = "another place";
        }
    }

    /// <summary>Warns of a link that was placed nowhere, and remembers it.</summary>
    /// <exception cref="MigrationException"><c>EntryNameHostile</c>: there are absurdly many.</exception>
    public void Add(in TarEntry entry)
    {
        if (entry.Kind != TarEntryKind.SymbolicLink || EntryPlacement.IsTablespaceLink(entry.Name))
        {
            return;
        }

        if (Interlocked.Increment(ref _warnings) is <= MostWarnings and var number)
        {
            observer.Warning($"The backup holds '{entry.Name}' only as a link (to '{entry.LinkTarget}'), without what it pointed to. It was left out. If the restored server needs it, copy it from the source by hand."
                + (number == MostWarnings ? " Further links are left out without a warning." : string.Empty));
        }

        if (EntryPlacement.LinkPath(entry.Name) is { } path && _targets.TryAdd(path, entry.LinkTarget))
        {
            Record(JournalPrefix + Uri.EscapeDataString(path));
            if (_targets.Count > MostLinks)
            {
                throw new MigrationException("EntryNameHostile", MigrationErrorKind.InvalidData,
                    $"The backup holds more than {MostLinks} links. A data directory holds a few; this backup cannot be trusted. Choose another with -BackupName.");
            }
        }
    }

    /// <summary>Whether a path was a link that was left out.</summary>
    public bool Contains(string path) => _targets.ContainsKey(path);

    /// <summary>Refuses an entry whose path is, or leads through, such a link.</summary>
    /// <exception cref="MigrationException"><c>EntryNameHostile</c>.</exception>
    public void RequireNotThrough(string path)
    {
        if (_targets.IsEmpty)
        {
            return;
        }

        for (int end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (_targets.TryGetValue(path[..end], out string? target))
            {
                throw Through(path, path[..end], target);
            }
        }
    }

    /// <summary>The same for entries that came before their link, or beside it in another part.</summary>
    /// <exception cref="MigrationException"><c>EntryNameHostile</c>.</exception>
    public void RequireNothingThere(DataDirectoryFiles files)
    {
        foreach (var (path, target) in _targets)
        {
            if (Path.Exists(files[path]))
            {
                throw Through(path, path, target);
            }
        }
    }

    private static MigrationException Through(string path, string link, string target) => new("EntryNameHostile", MigrationErrorKind.InvalidData,
        $"The backup holds '{link}' as a link to '{target}', and also the entry '{path}', which would pass through it and could lead anywhere. Nothing was written through the link. This backup is not restored; choose another with -BackupName.");
}
