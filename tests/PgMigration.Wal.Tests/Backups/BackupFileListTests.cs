using System.Runtime.CompilerServices;
using System.Text;

namespace PgMigration.Wal.Tests;

/// <summary>Lists of files that are as long as those of a cluster with millions of them.</summary>
[Collection(AloneCollection.Name)]
public sealed class BackupFileListTests
{
    private const int Files = 700_000;

    // Nearly a hundred megabytes of text; a serializer that kept it would need several times as much.
    private const long Bound = 24 << 20;

    [Fact]
    public async Task A_list_is_read_in_memory_that_does_not_grow_with_it()
    {
        using var storage = new GeneratedStorage(Files);
        long seen = 0;
        long incremented = 0;
        long inParts = 0;

        bool found = await new BackupFileList(storage, "files_metadata.json", "base").ReadAsync((_, isIncremented, _) =>
        {
            seen++;
            incremented += isIncremented ? 1 : 0;
        }, (_, part) => inParts += part == "part_001.tar.lz4" ? 1 : 0, CancellationToken.None);

        Assert.True(found);
        Assert.Equal((Files, Files / 2, Files), (seen, incremented, inParts));
        Assert.True(storage.Length > 80_000_000, "too short to prove anything");
        Assert.InRange(storage.MostMemory - storage.FirstMemory, long.MinValue, Bound);
    }

    [Fact]
    public async Task A_sentinel_that_carries_the_list_is_read_in_such_memory_too()
    {
        using var storage = new GeneratedStorage(Files, """ "LSN": 33554472, "PgVersion": 140005, """);

        var backup = await BackupReader.ReadAsync(storage, BackupName.TryParse("base_000000010000000000000002")!, new ArchiveObject("x", 1, DateTimeOffset.UnixEpoch), CancellationToken.None);

        Assert.Equal((new Lsn(33554472), 140005, 99L), (backup.StartLsn, backup.PgVersion, backup.UncompressedSize));
        Assert.InRange(storage.MostMemory - storage.FirstMemory, long.MinValue, Bound);
    }

    /// <summary>One object, made while it is read; watches how much memory lives meanwhile.</summary>
    private sealed class GeneratedStorage(int files, string head = "") : IArchiveStorage
    {
        public string Url => "file:///generated";

        public IEncryption Encryption => NoEncryption.Instance;

        public long Length { get; private set; }

        public long FirstMemory { get; private set; }

        public long MostMemory { get; private set; }

        public async IAsyncEnumerable<ArchiveObject> ListAsync(string prefix, string? startAfter = null, [EnumeratorCancellation] CancellationToken cancel = default)
        {
            await Task.CompletedTask;
            yield break;
        }

        public Task<ArchiveObject?> FindAsync(string name, CancellationToken cancel = default) => Task.FromResult<ArchiveObject?>(null);

        public Task<Stream> OpenReadAsync(string name, long offset = 0, CancellationToken cancel = default) =>
            name.EndsWith("metadata.json", StringComparison.Ordinal) && head.Length > 0 ? throw ArchiveStorage.NotFound(Url, name) : Task.FromResult<Stream>(new Generated(this, Text().GetEnumerator()));

        public Task WriteAsync(string name, Stream content, CancellationToken cancel = default) => throw new NotSupportedException();

        public Task DeleteAsync(string name, CancellationToken cancel = default) => throw new NotSupportedException();

        public void Dispose()
        {
        }

        private IEnumerable<string> Text()
        {
            yield return "{" + head + "\"Files\": {";
            for (int i = 0; i < files; i++)
            {
                yield return FormattableString.Invariant($"{(i == 0 ? "" : ", ")}\"/base/{i / 1000}/{i}\": {{\"IsIncremented\": {(i % 2 == 0 ? "true" : "false")}, \"IsSkipped\": false, \"MTime\": \"2026-01-02T03:04:05Z\", \"CorruptBlocks\": null, \"UpdatesCount\": 0}}");
            }

            yield return "}, \"TarFileSets\": {\"part_001.tar.lz4\": [";
            for (int i = 0; i < files; i++)
            {
                yield return FormattableString.Invariant($"{(i == 0 ? "" : ", ")}\"/base/{i / 1000}/{i}\"");
            }

            yield return "]}, \"UncompressedSize\": 99}";
        }

        private sealed class Generated(GeneratedStorage owner, IEnumerator<string> text) : MemoryStream
        {
            private byte[] _rest = [];
            private int _reads;

            public override ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default)
            {
                if (_reads++ % 256 == 0)
                {
                    long memory = GC.GetTotalMemory(forceFullCollection: true);
                    owner.FirstMemory = _reads == 1 ? memory : owner.FirstMemory;
                    owner.MostMemory = Math.Max(owner.MostMemory, memory);
                }

                var some = new MemoryStream(destination.Length + 1024);
                some.Write(_rest);
                while (some.Length < destination.Length && text.MoveNext())
                {
                    some.Write(Encoding.UTF8.GetBytes(text.Current));
                }

                int count = (int)Math.Min(some.Length, destination.Length);
                some.GetBuffer().AsSpan(0, count).CopyTo(destination.Span);
                _rest = some.GetBuffer().AsSpan(count, (int)some.Length - count).ToArray();
                owner.Length += count;
                return ValueTask.FromResult(count);
            }
        }
    }
}
