namespace PgMigration.Wal;

/// <summary>A set of paths in 16 bytes each. Filled first, looked up afterwards.</summary>
internal sealed class FileKeys
{
    private UInt128[] _keys = [];
    private int _count;

    /// <summary>How many there are.</summary>
    public int Count => _count;

    /// <summary>Adds a path.</summary>
    public void Add(string path)
    {
        if (_count == _keys.Length)
        {
            Array.Resize(ref _keys, Math.Max(1024, _count + (_count / 4))); // by a quarter: the old array lives beside the new one
        }

        _keys[_count++] = FileKey.Of(path);
    }

    /// <summary>No more will be added.</summary>
    public void Complete() => Array.Sort(_keys, 0, _count);

    /// <summary>One of them, by its place.</summary>
    public UInt128 this[int index] => _keys[index];

    /// <summary>Its place among all, from 0; negative when it is not there.</summary>
    public int IndexOf(UInt128 key) => Array.BinarySearch(_keys, 0, _count, key);
}
