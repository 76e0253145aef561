using System.Runtime.InteropServices;

namespace PgMigration.Wal;

/// <summary>What one part of a chain's backup gave to which file, kept until the load is done: <c>pgmigration/delta/&lt;backup&gt;/&lt;part&gt;</c>.</summary>
/// <remarks>
/// A load that goes on after a kill must know which pages newer backups gave, without reading their parts again. The file is written
/// before the part's data are flushed, by the same flush, and the part counts only then.
/// </remarks>
internal sealed class DeltaJournal : IDisposable
{
    private const byte Whole = 1;
    private const byte Pages = 2;

    private readonly BinaryWriter _file;

    private DeltaJournal(string path) => _file = new BinaryWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16));

    /// <summary>Begins the journal of a part.</summary>
    public static DeltaJournal Begin(RestoreLayout layout, string part)
    {
        string path = PathOf(layout, part);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return new DeltaJournal(path);
    }

    /// <summary>Tells again what a part that is done has given.</summary>
    /// <param name="layout">The data directory's layout.</param>
    /// <param name="part">The part.</param>
    /// <param name="whole">Told about files that it made whole.</param>
    /// <param name="pages">Told about increments.</param>
    public static void Replay(RestoreLayout layout, string part, Action<UInt128> whole, Action<UInt128, Increment> pages)
    {
        using var stream = new FileStream(PathOf(layout, part), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        using var file = new BinaryReader(stream);
        while (stream.Position < stream.Length)
        {
            byte kind = file.ReadByte();
            var key = new UInt128(file.ReadUInt64(), file.ReadUInt64());
            if (kind == Whole)
            {
                whole(key);
            }
            else
            {
                long length = file.ReadInt64();
                uint[] blocks = new uint[file.ReadInt32()];
                stream.ReadExactly(MemoryMarshal.AsBytes(blocks.AsSpan()));
                pages(key, new Increment(length, blocks));
            }
        }
    }

    /// <summary>Removes all of them.</summary>
    public static void Remove(RestoreLayout layout)
    {
        if (Directory.Exists(Folder(layout)))
        {
            Directory.Delete(Folder(layout), recursive: true);
        }
    }

    /// <summary>The part made a file whole.</summary>
    public void AddWhole(UInt128 key) => Add(Whole, key);

    /// <summary>The part held an increment.</summary>
    public void AddPages(UInt128 key, Increment increment)
    {
        Add(Pages, key);
        _file.Write(increment.Length);
        _file.Write(increment.Blocks.Length);
        _file.Write(MemoryMarshal.AsBytes(increment.Blocks.AsSpan()));
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Add(byte kind, UInt128 key)
    {
        _file.Write(kind);
        _file.Write((ulong)(key >> 64));
        _file.Write((ulong)key);
    }

    private static string Folder(RestoreLayout layout) => Path.Combine(layout.Folder, "delta");

    private static string PathOf(RestoreLayout layout, string part) => Path.Combine(Folder(layout), part);
}
