using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace PgMigration.Wal;

/// <summary>A data directory that follows an archive of made-up segments with true headers, in a folder of its own, without a server.</summary>
internal sealed class FollowedArchive : IDisposable
{
    public const int SegmentSize = MadeSegment.Size;
    public const ulong Cluster = MadeSegment.Cluster;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly PublishedPrograms _programs;
    private readonly string _root = Directory.CreateTempSubdirectory("pgm-programs-").FullName;

    public FollowedArchive(PublishedPrograms programs, string start = "000000010000000000000001", long poolLimit = RestoreRecord.DefaultPoolLimit, ArchiveAccess? access = null,
        EncryptionKeys? encryption = null, (string Id, string Secret)? keys = null)
    {
        _programs = programs;
        Layout = new RestoreLayout(Path.Combine(_root, "data"));
        Directory.CreateDirectory(Layout.Folder);
        Directory.CreateDirectory(Path.Combine(Layout.DataDirectory, "pg_wal"));
        Directory.CreateDirectory(WalFolder);
        File.WriteAllText(Path.Combine(Layout.DataDirectory, "standby.signal"), string.Empty);
        access ??= ArchiveAccess.To(Path.Combine(_root, "archive")) with { Encryption = encryption };
        (keys is var (id, secret) ? access.WithKeys(id, secret) with { Region = "eu-central-1" } : access).Save(Layout.ArchiveFile);
        new RestoreRecord { SystemIdentifier = Cluster, SegmentSize = SegmentSize, MajorVersion = 15, StartSegment = start, PoolLimit = poolLimit }.Save(Layout.RecordFile);
    }

    public RestoreLayout Layout { get; }

    public string WalFolder => Path.Combine(_root, "archive", "wal_005");

    /// <summary>Where PostgreSQL wants a restored file, relative to the data directory.</summary>
    public string Requested => Path.Combine(Layout.DataDirectory, "pg_wal", "RECOVERYXLOG");

    public static string Name(int number, uint timeline = 1) => WalSegmentName.Containing(timeline, new Lsn((ulong)number * SegmentSize), SegmentSize).ToString();

    public static byte[] Segment(int number, uint timeline = 1, ulong cluster = Cluster) =>
        MadeSegment.Bytes(Name(number), timeline, cluster: cluster);

    /// <summary>Archives segments as an archiver does: each becomes visible whole.</summary>
    public async Task ArchiveAsync(params IEnumerable<int> numbers)
    {
        foreach (int number in numbers)
        {
            await ArchiveAsync(Name(number), Segment(number));
        }
    }

    public async Task ArchiveAsync(string name, byte[] content)
    {
        var encoded = new MemoryStream();
        await using (var codec = Codec.Lz4.Compress(encoded))
        {
            await codec.WriteAsync(content);
        }

        Put(name + ".lz4", encoded.ToArray());
    }

    public Task ArchiveHistoryAsync(uint timeline, string text) => ArchiveAsync(TimelineHistory.FileName(timeline), Encoding.UTF8.GetBytes(text));

    public void Put(string objectName, byte[] stored)
    {
        string temporary = Path.Combine(_root, "object.new");
        File.WriteAllBytes(temporary, stored);
        File.Move(temporary, Path.Combine(WalFolder, objectName), overwrite: true);
    }

    /// <summary>Makes it look as if a server ran.</summary>
    public Task RunServerAsync(int pid) =>
        File.WriteAllTextAsync(Path.Combine(Layout.DataDirectory, "postmaster.pid"), string.Create(CultureInfo.InvariantCulture, $"{pid}\n/data\n{pid}\n5432\n/tmp\n*\n0 0\nstandby \n"));

    public Process StartFetch(string file, string oldestNeeded = "000000010000000000000000")
    {
        var start = new ProcessStartInfo(_programs.WalFetch, [file, "pg_wal/RECOVERYXLOG", oldestNeeded]) { WorkingDirectory = Layout.DataDirectory, RedirectStandardError = true };
        return Process.Start(start)!;
    }

    /// <summary>Runs restore_command as PostgreSQL does. Returns its exit code.</summary>
    public async Task<int> FetchAsync(string file, string oldestNeeded = "000000010000000000000000")
    {
        using var fetch = StartFetch(file, oldestNeeded);
        using var deadline = new CancellationTokenSource(Deadline);
        await fetch.WaitForExitAsync(deadline.Token);
        return fetch.ExitCode;
    }

    /// <summary>Fetches a segment and puts it where PostgreSQL keeps it.</summary>
    public async Task ReplayAsync(int number)
    {
        Assert.Equal(0, await FetchAsync(Name(number)));
        Some.AssertSame(Segment(number), await File.ReadAllBytesAsync(Requested));
        File.Move(Requested, OwnCopy(number), overwrite: true);
    }

    /// <summary>The same, asking again and again as PostgreSQL does; what is given in the end must be right all the same.</summary>
    public async Task ReplayStubbornlyAsync(int number)
    {
        for (var since = Stopwatch.StartNew(); await FetchAsync(Name(number)) != 0;)
        {
            Assert.True(since.Elapsed < 3 * Deadline, Log());
        }

        Some.AssertSame(Segment(number), await File.ReadAllBytesAsync(Requested));
        File.Move(Requested, OwnCopy(number), overwrite: true);
    }

    public string OwnCopy(int number) => Path.Combine(Layout.DataDirectory, "pg_wal", Name(number));

    /// <summary>Waits until the prefetcher says so; it writes its status by rename.</summary>
    public Task<PrefetchStatus> StatusAsync(Func<PrefetchStatus, bool> wanted) =>
        UntilAsync(() => PrefetchStatus.Read(Layout) is { } status && wanted(status) ? status : null);

    public static async Task<T> UntilAsync<T>(Func<T?> look)
        where T : class
    {
        for (var since = Stopwatch.StartNew(); since.Elapsed < Deadline; await Task.Delay(5))
        {
            if (look() is { } found)
            {
                return found;
            }
        }

        throw new TimeoutException($"It did not come to that within {Deadline}.");
    }

    /// <summary>Asks for a segment that is not there yet, as PostgreSQL does: the first request is refused, the second one waits.</summary>
    public async Task<Process> StartWaitingAsync(int number)
    {
        await StatusAsync(status => status.State == PrefetchState.CaughtUp);
        Assert.Equal(1, await FetchAsync(Name(number)));
        var fetch = StartFetch(Name(number));
        await UntilItWaitsAsync(fetch);
        return fetch;
    }

    // Its socket is among its descriptors.
    private static Task UntilItWaitsAsync(Process fetch) => UntilAsync(() =>
        Directory.GetFiles($"/proc/{fetch.Id}/fd").Select(file => new FileInfo(file).LinkTarget).FirstOrDefault(target => target?.StartsWith("socket:", StringComparison.Ordinal) == true));

    public string Log() => File.ReadAllText(Layout.LogFile);

    /// <summary>Ends the prefetcher by a signal and waits until it is gone.</summary>
    public async Task EndPrefetcherAsync(string signal)
    {
        int pid = (await StatusAsync(_ => true)).ProcessId;
        using (var kill = Process.Start("kill", [signal, pid.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await UntilAsync(() => IsGone(pid) ? "gone" : null);
    }

    public static bool IsGone(int pid)
    {
        // An orphan stays a zombie until somebody reaps it; in a container perhaps nobody does.
        string stat = $"/proc/{pid}/stat";
        try
        {
            return File.ReadAllText(stat).Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }

    public void Dispose()
    {
        // The prefetcher ends by itself when its data directory is gone; it is told all the same, so that nothing outlives a test.
        if (PrefetchStatus.Read(Layout) is { State: not PrefetchState.Stopped } status && !IsGone(status.ProcessId))
        {
            Process.GetProcessById(status.ProcessId).Kill();
        }

        Directory.Delete(_root, recursive: true);
    }
}
