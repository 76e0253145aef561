using System.Runtime.Versioning;
using System.Text.Json;

namespace PgMigration.Wal;

/// <summary>Checks that every file the backup's own list names has been extracted: <c>TarFileSets</c> of files_metadata.json.</summary>
/// <remarks>
/// A tar that lacks its last files, or a part that is gone from the bucket, is not noticed otherwise. The list can exceed 1 GB on large
/// clusters, so it is read token by token, and each name is looked up on disk rather than kept.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class NamesCheck(DataDirectoryFiles files, EntryPlacement placement, string backupName)
{
    private const int InitialBuffer = 1 << 16;

    /// <summary>Reads the list to its end.</summary>
    /// <param name="json">The content of files_metadata.json.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c>, naming the first file that is missing and its part.</exception>
    public async Task CheckAsync(Stream json, CancellationToken cancel)
    {
        byte[] buffer = new byte[InitialBuffer];
        int filled = 0;
        var state = new JsonReaderState();
        var place = new Place();
        for (bool last = false; !last;)
        {
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            int read = await json.ReadAsync(buffer.AsMemory(filled), cancel);
            filled += read;
            last = read == 0;
            int used = Consume(buffer.AsSpan(0, filled), last, ref state, place);
            buffer.AsSpan(used, filled - used).CopyTo(buffer);
            filled -= used;
        }
    }

    private int Consume(ReadOnlySpan<byte> bytes, bool last, ref JsonReaderState state, Place place)
    {
        var reader = new Utf8JsonReader(bytes, last, state);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                {
                    place.InSets = reader.ValueTextEquals("TarFileSets"u8);
                }
                else if (place.InSets && reader.TokenType == JsonTokenType.PropertyName)
                {
                    place.Part = reader.GetString();
                }
                else if (place.InSets && reader.TokenType == JsonTokenType.String)
                {
                    Check(reader.GetString()!, place.Part);
                }
            }
        }
        catch (JsonException error)
        {
            throw new MigrationException("BackupListInvalid", MigrationErrorKind.InvalidData,
                $"files_metadata.json of {backupName} is not the JSON that it should be: the backup is damaged. Choose another with -BackupName.", error);
        }

        state = reader.CurrentState;
        return (int)reader.BytesConsumed;
    }

    private void Check(string name, string? part)
    {
        if (placement.Place(new TarEntry(name, TarEntryKind.File, 0, string.Empty)) is { } path && !Path.Exists(files[path]) && !EntryPlacement.MayBeAbsent(name))
        {
            throw new MigrationException("BackupIncomplete", MigrationErrorKind.InvalidData,
                $"The backup {backupName} lists '{name}' in {part}, and no part held it: a part is cut or missing in the archive. Choose another backup with -BackupName.");
        }
    }

    private sealed class Place
    {
        public bool InSets { get; set; }

        public string? Part { get; set; }
    }
}
