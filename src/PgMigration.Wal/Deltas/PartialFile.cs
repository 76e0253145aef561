namespace PgMigration.Wal;

/// <summary>A file of which newer backups gave some pages: which ones are still missing.</summary>
/// <remarks>Not for more than one thread at a time: within one backup a file lies in one part.</remarks>
internal sealed class PartialFile
{
    private readonly ulong[] _written;
    private uint _limit; // pages from here on can only be in backups that were looked at already

    /// <summary>A file as its newest increment describes it.</summary>
    public PartialFile(long length)
    {
        Length = length;
        _limit = Missing = (uint)(length / Increment.PageSize);
        _written = new ulong[(Missing + 63) / 64];
    }

    /// <summary>Bytes that it will have.</summary>
    public long Length { get; }

    /// <summary>How many pages are missing.</summary>
    public uint Missing { get; private set; }

    /// <summary>The first page that is missing, and that older backups may still have; null when there is none.</summary>
    public uint? FirstMissing(uint from = 0)
    {
        for (uint block = from; block < _limit; block++)
        {
            if ((block & 63) == 0 && _written[block >> 6] == ulong.MaxValue)
            {
                block += 63;
            }
            else if (!IsWritten(block))
            {
                return block;
            }
        }

        return null;
    }

    /// <summary>Whether an older backup's page is to be written; it counts as written from then on.</summary>
    public bool Take(uint block)
    {
        if (block >= _limit || IsWritten(block))
        {
            return false;
        }

        _written[block >> 6] |= 1UL << (int)(block & 63);
        Missing--;
        return true;
    }

    /// <summary>A backup is done with it in which the file had so many bytes: what older ones have beyond was cut off since.</summary>
    public void Limit(long length) => _limit = Math.Min(_limit, (uint)Math.Min(length / Increment.PageSize, uint.MaxValue));

    private bool IsWritten(uint block) => (_written[block >> 6] & (1UL << (int)(block & 63))) != 0;
}
