using System.Collections.Concurrent;
using System.Runtime.Versioning;
using System.Threading.Channels;

namespace PgMigration.Wal;

/// <summary>One run of a load: all backups of the chain from the newest to the full one, each part by part, then the checks.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LoadRun : IAsyncDisposable
{
    private readonly IArchiveStorage _storage;
    private readonly IReadOnlyList<BackupContents> _chain;
    private readonly RestoreLayout _layout;
    private readonly LoadOptions _options;
    private readonly DataDirectoryFiles _files;
    private readonly EntryPlacement _placement;
    private readonly IMigrationObserver _observer;
    private readonly WriteAllowance _allowance;
    private readonly LeftOutLinks _links;
    private readonly ReadAhead _ahead = new();
    private readonly ConcurrentBag<byte[]> _pieces = [];
    private WantedFiles? _wanted;

    public LoadRun(
        IArchiveStorage storage, IReadOnlyList<BackupContents> chain, RestoreLayout layout, LoadOptions options, DataDirectoryFiles files, EntryPlacement placement, IMigrationObserver observer)
    {
        _storage = storage;
        _chain = chain;
        _layout = layout;
        _options = options;
        _files = files;
        _placement = placement;
        _observer = observer;
        _links = new LeftOutLinks(observer);
        _allowance = new WriteAllowance(chain[0].Name, options.StatedSize, [layout.DataDirectory, .. options.Tablespaces.Values]);
    }

    /// <summary>Extracts what is not done yet.</summary>
    public async Task ExtractAsync(PartsJournal journal, FileSystemSync disks, CancellationToken cancel)
    {
        var todo = _chain.Select((backup, i) => backup.Parts.Where(part => !journal.Done.Contains(JournalName(i, part))).ToList()).ToList();
        long whole = _chain.Sum(backup => backup.Parts.Sum(part => part.Length)) + _chain[0].LastParts.Sum(part => part.Length);
        long done = whole - todo.Sum(parts => parts.Sum(part => part.Length)) - _chain[0].LastParts.Sum(part => part.Length);
        if (done > 0)
        {
            _observer.Verbose($"{_chain.Sum(backup => backup.Parts.Count) - todo.Sum(parts => parts.Count)} of {_chain.Sum(backup => backup.Parts.Count)} parts are on disk already; the restore goes on.");
        }

        await using var meter = new TransferMeter(_observer, $"Restoring {_chain[0].Name}", whole, done);
        var extracted = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
        _links.Load(journal.Done);
        _links.Record = line => extracted.Writer.TryWrite(line); // before its part is
        using var failure = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var recording = RecordAsync(extracted.Reader, journal, disks, _options.Verifier, failure);
        try
        {
            for (int i = 0; i < _chain.Count; i++)
            {
                var delta = _chain.Count == 1 ? null : await PrepareAsync(i, journal, failure.Token);
                string Name(ArchiveObject part) => JournalName(i, part);
                await PartQueue.RunAsync(todo[i], _options.Parallelism, _options.Verifier, (part, writer) =>
                {
                    Extract(part, Name(part), delta, writer, meter, failure.Token);
                    extracted.Writer.TryWrite(Name(part));
                }, failure);
                delta?.CheckComplete(_chain[i].Name);
            }
        }
        finally
        {
            extracted.Writer.Complete();
            await recording; // what was extracted before a failure or a Ctrl-C is recorded too
        }

        using var last = new FileWriter(_options.Verifier);
        foreach (var part in _chain[0].LastParts)
        {
            Extract(part, null, null, last, meter, cancel);
        }
    }

    /// <summary>Checks that what is on disk is the whole backup, of the right cluster.</summary>
    public async Task CheckAsync(CancellationToken cancel)
    {
        _links.RequireNothingThere(_files);
        HeldFiles.CheckControl(_layout, _chain[0].Name, _options.SystemIdentifier);
        var minimum = new MinimumCheck(_layout, _options, _chain[0].Name);
        minimum.Check();
        var list = _chain[0].FileList(_storage);
        _observer.Verbose($"Looking for every file that {list.ObjectName} names.");
        if (!await new NamesCheck(_files, _placement, _links, _chain[0].Name, _wanted).CheckAsync(list, cancel))
        {
            minimum.WarnOfMissingList(_observer);
        }

        if (_wanted?.EmptyPages is > 0 and var empty)
        {
            _observer.Verbose($"{empty} pages are in no backup of the chain of {_chain[0].Name} and are empty: files had been extended by them, and nothing had been written into them yet.");
        }
    }

    public ValueTask DisposeAsync()
    {
        _ahead.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The newest backup's parts are named as they are; those of others with their backup.</summary>
    private string JournalName(int backup, ArchiveObject part) => backup == 0 ? BackupContents.ShortName(part) : $"{_chain[backup].Name}/{BackupContents.ShortName(part)}";

    /// <summary>Reads what a backup of the chain holds, and what an earlier run took of it.</summary>
    private async Task<DeltaExtractor> PrepareAsync(int backup, PartsJournal journal, CancellationToken cancel)
    {
        var incremented = new FileKeys();
        var list = _chain[backup].FileList(_storage);
        bool isFull = backup == _chain.Count - 1;
        if (backup == 0)
        {
            _wanted = await WantedFiles.ReadAsync(list, _placement, incremented, CheckPart(backup), cancel);
        }
        else if (!isFull)
        {
            await WantedFiles.ReadIncrementsAsync(list, _placement, incremented, CheckPart(backup), cancel);
        }
        else
        {
            await list.ReadAsync(null, CheckPart(backup), cancel);
        }

        if (backup == 0 && _wanted!.Count == 0)
        {
            throw new MigrationException("BackupListMissing", MigrationErrorKind.InvalidData,
                $"The delta backup {_chain[0].Name} has no list of its files ({list.ObjectName} holds none), without which nobody knows what of {_chain[1].Name} still counts. Choose another with -BackupName.");
        }

        var delta = new DeltaExtractor(backup, _files, _placement, _wanted!, incremented, _links);
        foreach (var part in _chain[backup].Parts.Where(part => journal.Done.Contains(JournalName(backup, part))))
        {
            delta.Replay(_layout, JournalName(backup, part));
        }

        return delta;
    }

    /// <summary>A part that the list names must be there: with deltas, an older backup's file in its place would not be noticed.</summary>
    private BackupFileList.InPart CheckPart(int backup)
    {
        var there = _chain[backup].Parts.Concat(_chain[backup].LastParts).Select(part => Codec.BareName(BackupContents.ShortName(part))).ToHashSet(StringComparer.Ordinal);
        string? checkedPart = null;
        return (name, part) =>
        {
            if (part is null || part == checkedPart)
            {
                return;
            }

            checkedPart = part;
            if (!there.Contains(Codec.BareName(part)))
            {
                throw new MigrationException("BackupIncomplete", MigrationErrorKind.InvalidData,
                    $"The backup {_chain[backup].Name} lists '{name}' in {part}, and that part is missing in the archive. Choose another backup with -BackupName.");
            }
        };
    }

    private void Extract(ArchiveObject part, string? journalName, DeltaExtractor? delta, FileWriter writer, TransferMeter meter, CancellationToken cancel)
    {
        try
        {
            _ = Codec.ForName(part.Name); // before a byte is asked for
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            using var decoded = _storage.Decode(part.Name, new MeteredStream(_storage.OpenWholeAsync(part, _ahead, stop.Token).GetAwaiter().GetResult(), meter, stop.Token));
            using var tar = new DecodeAhead(decoded, _pieces, stop);
            if (delta is null || journalName is null)
            {
                new PartExtractor(_files, _placement, writer, _allowance, _links).Extract(tar, cancel);
                return;
            }

            using var took = DeltaJournal.Begin(_layout, journalName);
            delta.Extract(tar, writer, took, _allowance, cancel);
        }
        catch (InvalidDataException error)
        {
            throw new MigrationException("PartDamaged", MigrationErrorKind.InvalidData,
                $"{_storage.Url}/{part.Name} is damaged: {error.Message.TrimEnd('.')}. No server can be started from {_layout.DataDirectory}; choose another backup with -BackupName and an empty directory.", error);
        }
        catch (MigrationException error) when (error.Kind == MigrationErrorKind.InvalidData && !error.Message.Contains(part.Name, StringComparison.Ordinal))
        {
            throw new MigrationException(error.ErrorId, error.Kind, $"{_storage.Url}/{part.Name}: {error.Message}", error);
        }
        catch (IOException error) when (FullDisk.IsCause(error))
        {
            throw FullDisk.Explain(_layout.DataDirectory, $"{BackupContents.ShortName(part)} was extracted", error);
        }
    }

    /// <summary>Flushes while the next parts are being extracted, and only then counts parts as done.</summary>
    private static async Task RecordAsync(ChannelReader<string> extracted, PartsJournal journal, FileSystemSync disks, PageVerifier? verifier, CancellationTokenSource failure)
    {
        try
        {
            while (await extracted.WaitToReadAsync(CancellationToken.None))
            {
                var parts = new List<string>();
                while (extracted.TryRead(out string? part))
                {
                    parts.Add(part);
                }

                verifier?.Save();
                disks.Flush();
                journal.Add(parts);
            }
        }
        catch (IOException error)
        {
            await failure.CancelAsync();
            throw new MigrationException("FlushFailed", MigrationErrorKind.ResourceUnavailable,
                $"What was restored could not be written to disk: {error.Message} Mend or enlarge the disk and run the same command again: it goes on where it stopped.", error);
        }
    }
}
