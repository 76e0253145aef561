using System.Globalization;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Where the tablespaces of a backup go on this machine.</summary>
internal static class TablespaceFolders
{
    /// <summary>Chooses a folder for each: as mapped by oid or by old path, as in an earlier run, or where it lay on the source.</summary>
    /// <exception cref="MigrationException"><c>TablespaceMappingInvalid</c>: a mapping names no tablespace of the backup, or two share a folder.</exception>
    public static IReadOnlyDictionary<string, string> Choose(
        IReadOnlyList<BackupTablespace> tablespaces, IReadOnlyDictionary<string, string> mapping, IReadOnlyDictionary<string, string>? earlier)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        var folders = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var tablespace in tablespaces)
        {
            string oid = tablespace.Oid.ToString(CultureInfo.InvariantCulture);
            string? mapped = Mapped(oid) ?? Mapped(tablespace.Location) ?? earlier?.GetValueOrDefault(oid);
            folders[oid] = Path.TrimEndingDirectorySeparator(mapped ?? tablespace.Location);
        }

        // an old archive may not say which tablespaces there are; then the mapping by oid is all that is known
        foreach (var (key, folder) in mapping.Where(pair => !used.Contains(pair.Key)))
        {
            folders[uint.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? key : throw Invalid(
                $"'{key}' is neither the oid nor the old folder of a tablespace of this backup; it has: {string.Join(", ", tablespaces.Select(t => $"{t.Oid.ToString(CultureInfo.InvariantCulture)} at {t.Location}").DefaultIfEmpty("none"))}.")] = folder;
        }

        return folders.Values.Distinct(StringComparer.Ordinal).Count() == folders.Count ? folders : throw Invalid("Two tablespaces are mapped to one folder.");

        string? Mapped(string key) => mapping.TryGetValue(key, out string? folder) && used.Add(key) ? folder : null;
    }

    private static MigrationException Invalid(string what) => new("TablespaceMappingInvalid", MigrationErrorKind.InvalidArgument,
        what + " Expected -TablespaceMapping @{ 'oid or old folder' = 'new folder' }.");
}
