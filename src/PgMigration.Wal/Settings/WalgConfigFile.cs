using System.Text.Json;

namespace PgMigration.Wal;

/// <summary>A <c>.walg.json</c>: one JSON object of settings by their names.</summary>
/// <remarks>WAL-G reads what --config or WALG_CONFIG_PATH names, or else .walg.json in the user's home; names without regard to case.</remarks>
internal static class WalgConfigFile
{
    /// <summary>The file in a user's home; null when there is none.</summary>
    /// <param name="home">What the variable HOME says; null or empty for what the system says.</param>
    public static string? OfHome(string? home)
    {
        home = string.IsNullOrEmpty(home) ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) : home;
        string path = Path.Combine(home, ".walg.json");
        return home.Length > 0 && File.Exists(path) ? path : null;
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="MigrationException"><c>WalgConfigInvalid</c>; its text repeats nothing of the file.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var json = JsonDocument.Parse(file, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
                {
                    settings[property.Name] = property.Value.ToString();
                }
                else if (property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                {
                    settings[property.Name] = "{}"; // such as WALG_FAILOVER_STORAGES: that it is there is what matters
                }
            }

            return settings;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            string place = error is JsonException { LineNumber: { } line } ? FormattableString.Invariant($" (line {line + 1})") : string.Empty;
            throw new MigrationException("WalgConfigInvalid", MigrationErrorKind.InvalidData, $"'{path}' is no JSON object of settings{place}. Expected what WAL-G reads as .walg.json: {{\"WALG_S3_PREFIX\": \"s3://bucket/prefix\", …}}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException("WalgConfigInvalid", MigrationErrorKind.NotFound, $"The settings of WAL-G cannot be read: {error.Message}", error);
        }
    }
}
