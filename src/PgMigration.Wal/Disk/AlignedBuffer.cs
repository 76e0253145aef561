using System.Runtime.InteropServices;

namespace PgMigration.Wal;

/// <summary>Memory that a disk can be written from without the page cache in between: aligned as O_DIRECT demands, and reused.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    /// <summary>Enough for every block device in use: its logical block is 512 or 4096 bytes.</summary>
    public const int Alignment = 4096;

    /// <summary>Bytes of one buffer.</summary>
    public const int Size = 1 << 19;

    private void* _memory = NativeMemory.AlignedAlloc(Size, Alignment);

    /// <summary>All of it.</summary>
    public Span<byte> Span => new(_memory, Size);

    /// <summary>How many bytes of it are to be written.</summary>
    public int Length { get; set; }

    /// <summary>What they are to be written to.</summary>
    public RestoredFile? File { get; set; }

    /// <summary>Where in the file.</summary>
    public long Offset { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
