namespace PgMigration.Wal;

/// <summary>What liblzma returns (lzma_ret of lzma/base.h).</summary>
internal enum LzmaResult
{
    /// <summary>There is more to do.</summary>
    Ok = 0,

    /// <summary>The stream ended as it should.</summary>
    StreamEnd = 1,

    /// <summary>The content is compared with a kind of checksum that the library does not know.</summary>
    UnsupportedCheck = 3,

    /// <summary>No memory.</summary>
    Memory = 5,

    /// <summary>More memory is needed than is allowed.</summary>
    MemoryLimit = 6,

    /// <summary>Another format.</summary>
    Format = 7,

    /// <summary>A form of the format that the library does not know.</summary>
    Options = 8,

    /// <summary>The stream was altered.</summary>
    Data = 9,

    /// <summary>There is neither input nor room: at the end of the input, the stream is cut.</summary>
    Buffer = 10,
}
