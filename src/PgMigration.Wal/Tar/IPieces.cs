namespace PgMigration.Wal;

/// <summary>Decoded bytes, piece by piece as they come, so that nobody has to copy them to look at them.</summary>
public interface IPieces
{
    /// <summary>The next piece; empty at the end. Valid until the next call.</summary>
    /// <exception cref="InvalidDataException">The source is cut or altered.</exception>
    ReadOnlyMemory<byte> Next();
}
