namespace PgMigration.Wal;

/// <summary>The header of one entry of a tar part.</summary>
/// <param name="Name">As stored; hostile until <see cref="EntryPlacement"/> has judged it.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Length">Bytes of content that follow; zero for all but files.</param>
/// <param name="LinkTarget">Where a link points; empty for all others.</param>
public readonly record struct TarEntry(string Name, TarEntryKind Kind, long Length, string LinkTarget);
