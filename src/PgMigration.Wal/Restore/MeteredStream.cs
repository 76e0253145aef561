namespace PgMigration.Wal;

/// <summary>A stored object on its way to a decoder: counts bytes, and lets a cancellation end a read that waits for the network.</summary>
/// <remarks>Decoders read synchronously, on threads of their own; so a file is read there and then, and not by a detour over the thread pool.</remarks>
internal sealed class MeteredStream(Stream inner, TransferMeter meter, CancellationToken cancel) : ReadStream
{
    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancel.ThrowIfCancellationRequested();
        if (inner is FileStream file)
        {
            int read = file.Read(buffer.Span);
            meter.Add(read);
            return ValueTask.FromResult(read);
        }

        return CountAsync(inner.ReadAsync(buffer, cancel));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> CountAsync(ValueTask<int> reading)
    {
        int read = await reading;
        meter.Add(read);
        return read;
    }
}
