using System.Text.Json;

namespace PgMigration.Wal;

/// <summary>What a backup says about its files: <c>Files</c> and <c>TarFileSets</c>, of files_metadata.json or, in old backups, of the sentinel itself.</summary>
/// <remarks>Read token by token, and nothing is kept: it can exceed 1 GB on large clusters.</remarks>
/// <param name="storage">The archive.</param>
/// <param name="objectName">The object that holds the list.</param>
/// <param name="backupName">The backup.</param>
internal sealed class BackupFileList(IArchiveStorage storage, string objectName, string backupName)
{
    /// <summary>Told about one of <c>Files</c>.</summary>
    public delegate void File(string name, bool isIncremented, bool isSkipped);

    /// <summary>Told about one of <c>TarFileSets</c>.</summary>
    public delegate void InPart(string name, string? part);

    private enum Section
    {
        Other,
        Files,
        Sets,
    }

    /// <summary>The object that holds the list.</summary>
    public string ObjectName => objectName;

    /// <summary>Reads it to its end.</summary>
    /// <returns>Whether there is a list in it at all.</returns>
    /// <exception cref="MigrationException"><c>BackupListInvalid</c>.</exception>
    public async Task<bool> ReadAsync(File? file, InPart? inPart, CancellationToken cancel)
    {
        var section = Section.Other;
        bool found = false;
        string? part = null;
        string? name = null;
        bool isIncremented = false;
        bool isSkipped = false;
        string property = string.Empty;
        try
        {
            await using var json = await storage.OpenReadAsync(objectName, 0, cancel);
            await JsonTokens.ReadAsync(json, Take, cancel);
        }
        catch (MigrationException error) when (error.ErrorId == "ArchiveObjectNotFound")
        {
            return false;
        }
        catch (JsonException error)
        {
            throw new MigrationException("BackupListInvalid", MigrationErrorKind.InvalidData,
                $"{objectName} of {backupName} is not the JSON that it should be: the backup is damaged. Choose another with -BackupName.", error);
        }

        return found;

        void Take(ref Utf8JsonReader token)
        {
            if (token.CurrentDepth == 1 && token.TokenType == JsonTokenType.PropertyName)
            {
                section = token.ValueTextEquals("Files"u8) ? Section.Files : token.ValueTextEquals("TarFileSets"u8) ? Section.Sets : Section.Other;
            }
            else if (section == Section.Files)
            {
                TakeFile(ref token);
            }
            else if (section == Section.Sets)
            {
                TakeSet(ref token);
            }
        }

        void TakeFile(ref Utf8JsonReader token)
        {
            switch (token.TokenType, token.CurrentDepth)
            {
                case (JsonTokenType.PropertyName, 2):
                    (name, isIncremented, isSkipped, found) = (token.GetString(), false, false, true);
                    break;
                case (JsonTokenType.PropertyName, 3):
                    property = token.ValueTextEquals("IsIncremented"u8) ? "I" : token.ValueTextEquals("IsSkipped"u8) ? "S" : string.Empty;
                    break;
                case (JsonTokenType.True, 3):
                    isIncremented |= property == "I";
                    isSkipped |= property == "S";
                    break;
                case (JsonTokenType.EndObject, 2):
                    file?.Invoke(name!, isIncremented, isSkipped);
                    break;
            }
        }

        void TakeSet(ref Utf8JsonReader token)
        {
            if (token.TokenType == JsonTokenType.PropertyName)
            {
                (part, found) = (token.GetString(), true);
            }
            else if (token.TokenType == JsonTokenType.String)
            {
                inPart?.Invoke(token.GetString()!, part);
            }
        }
    }
}
