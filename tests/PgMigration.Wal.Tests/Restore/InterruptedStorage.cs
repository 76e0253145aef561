namespace PgMigration.Wal.Tests;

/// <summary>A real archive whose reader is cut off after so many bytes, as by a kill; counts which objects are read.</summary>
internal sealed class InterruptedStorage(IArchiveStorage inner, long allowed) : IArchiveStorage
{
    private long _left = allowed;

    public List<string> Opened { get; } = [];

    public string Url => inner.Url;

    public IEncryption Encryption => inner.Encryption;

    public IAsyncEnumerable<ArchiveObject> ListAsync(string prefix, string? startAfter = null, CancellationToken cancel = default) => inner.ListAsync(prefix, startAfter, cancel);

    public Task<ArchiveObject?> FindAsync(string name, CancellationToken cancel = default) => inner.FindAsync(name, cancel);

    public async Task<Stream> OpenReadAsync(string name, long offset = 0, CancellationToken cancel = default)
    {
        lock (Opened)
        {
            Opened.Add(name[(name.LastIndexOf('/') + 1)..]);
        }

        return new CutStream(await inner.OpenReadAsync(name, offset, cancel), this);
    }

    public Task WriteAsync(string name, Stream content, CancellationToken cancel = default) => inner.WriteAsync(name, content, cancel);

    public Task DeleteAsync(string name, CancellationToken cancel = default) => inner.DeleteAsync(name, cancel);

    public void Dispose() => inner.Dispose();

    private sealed class CutStream(Stream content, InterruptedStorage owner) : MemoryStream(ReadFully(content))
    {
        public override int Read(byte[] buffer, int offset, int count) => Take(base.Read(buffer, offset, Math.Min(count, 4096)));

        public override int Read(Span<byte> buffer) => Take(base.Read(buffer[..Math.Min(buffer.Length, 4096)]));

        public override ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default) => new(Read(destination.Span));

        private int Take(int read) => Interlocked.Add(ref owner._left, -read) >= 0 ? read : throw new OperationCanceledException("cut off");

        private static byte[] ReadFully(Stream content)
        {
            using (content)
            {
                var copy = new MemoryStream();
                content.CopyTo(copy);
                return copy.ToArray();
            }
        }
    }
}
