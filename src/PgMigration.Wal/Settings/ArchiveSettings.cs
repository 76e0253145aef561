namespace PgMigration.Wal;

/// <summary>The settings that people of WAL-G and WAL-E already have: environment variables and a <c>.walg.json</c>; what a caller gives goes before both.</summary>
/// <remarks>
/// As in WAL-G a name is looked for with WALG_ in front, with WALE_, and as it is; the environment goes before the file, and an empty variable is none.
/// Source: WAL-G's internal/config/config.go (GetWaleCompatibleSetting; viper's AutomaticEnv).
/// </remarks>
public sealed class ArchiveSettings
{
    private readonly IReadOnlyDictionary<string, string> _given;
    private readonly Func<string, string?> _variable;
    private readonly string? _variablePrefix;
    private readonly string? _file;
    private readonly IReadOnlyDictionary<string, string> _ofFile;

    private ArchiveSettings(Func<string, string?> variable, IReadOnlyDictionary<string, string>? given = null, string? variablePrefix = null, string? file = null, IReadOnlyDictionary<string, string>? ofFile = null)
    {
        _variable = name => variable(name) is { Length: > 0 } value ? value : null;
        _given = given ?? new Dictionary<string, string>();
        _variablePrefix = variablePrefix?.TrimEnd('_');
        _file = file;
        _ofFile = ofFile ?? new Dictionary<string, string>();
    }

    /// <summary>The settings of the environment alone.</summary>
    public static ArchiveSettings OfEnvironment => new(Environment.GetEnvironmentVariable);

    /// <summary>The file whose settings are used; null when none is.</summary>
    public string? File => _file;

    /// <summary>Reads what is set.</summary>
    /// <param name="configFile">A <c>.walg.json</c>; null for the one that WALG_CONFIG_PATH names or that lies in the user's home, if any.</param>
    /// <param name="observer">Is told which file was found, and warned of one in the home that is no JSON.</param>
    /// <param name="given">Settings that go before all others, by WAL-G's names.</param>
    /// <param name="variablePrefix">Variables with this and <c>_</c> in front go before others, such as HEROKU_POSTGRESQL_AMBER; null for none.</param>
    /// <exception cref="MigrationException"><c>WalgConfigInvalid</c>.</exception>
    public static ArchiveSettings Read(string? configFile, IMigrationObserver observer, IReadOnlyDictionary<string, string>? given = null, string? variablePrefix = null) =>
        Read(configFile, observer, given, variablePrefix, Environment.GetEnvironmentVariable);

    /// <summary>The same with another environment than the process's.</summary>
    internal static ArchiveSettings Read(string? configFile, IMigrationObserver observer, IReadOnlyDictionary<string, string>? given, string? variablePrefix, Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(observer);
        string? named = configFile ?? (variable("WALG_CONFIG_PATH") is { Length: > 0 } ofVariable ? ofVariable : null);
        string? file = named ?? WalgConfigFile.OfHome(variable("HOME"));
        try
        {
            if (file is null)
            {
                return new ArchiveSettings(variable, given, variablePrefix);
            }

            var ofFile = WalgConfigFile.Read(file);
            observer.Verbose($"Settings are taken from {file}; variables of the same names in the environment go before them.");
            return new ArchiveSettings(variable, given, variablePrefix, file, ofFile);
        }
        catch (MigrationException error) when (named is null)
        {
            observer.Warning($"{error.Message} Its settings are not used."); // nobody asked for it
            return new ArchiveSettings(variable, given, variablePrefix);
        }
    }

    /// <summary>How many objects WAL-G downloads at once (WALG_DOWNLOAD_CONCURRENCY); null when it is not set.</summary>
    /// <exception cref="MigrationException"><c>ArchiveSettingInvalid</c>.</exception>
    public int? DownloadConcurrency => Find("DOWNLOAD_CONCURRENCY") is not { } setting ? null
        : int.TryParse(setting.Value, System.Globalization.CultureInfo.InvariantCulture, out int count) && count is >= 1 and <= 256 ? count
        : throw new MigrationException("ArchiveSettingInvalid", MigrationErrorKind.InvalidArgument, $"{setting} is '{setting.Value}'. Expected a number from 1 to 256.");

    /// <summary>The access to an archive that the settings describe.</summary>
    /// <param name="location">Where it lies; null for what WALG_S3_PREFIX, WALE_S3_PREFIX or WALG_FILE_PREFIX says.</param>
    /// <param name="observer">Is warned of settings that WAL-G would heed and that are not heeded here; null for nobody.</param>
    /// <exception cref="MigrationException">
    /// <c>ArchiveMissing</c>, <c>ArchiveAddressInvalid</c>, <c>EndpointInvalid</c>, <c>EncryptionKeyInvalid</c>, <c>EncryptionNotSupported</c>, <c>ArchiveSettingInvalid</c>.
    /// </exception>
    public ArchiveAccess To(string? location = null, IMigrationObserver? observer = null)
    {
        var parsed = ArchiveLocation.Parse(location ?? Location());
        var access = new ArchiveAccess { Location = parsed };
        if (parsed.IsS3)
        {
            access = BucketSettings.Apply(this, access, observer);
        }

        if (Find("FAILOVER_STORAGES") is { } failover)
        {
            observer?.Warning($"{failover} names further storages. Only {parsed} is read: what was archived to another one while it was away is not found.");
        }

        return access with { Encryption = EncryptionSettings.Read(this) };
    }

    /// <summary>Looks for a setting: among what was given, in the environment, in the file.</summary>
    /// <param name="name">Its name without WALG_ or WALE_.</param>
    internal ArchiveSetting? Find(string name)
    {
        foreach (string spelling in (ReadOnlySpan<string>)["WALG_" + name, "WALE_" + name, name])
        {
            if (_given.TryGetValue(spelling, out string? given))
            {
                return new ArchiveSetting(spelling, given, null);
            }

            if (_variablePrefix is not null && _variable($"{_variablePrefix}_{spelling}") is { } prefixed)
            {
                return new ArchiveSetting($"{_variablePrefix}_{spelling}", prefixed, null);
            }

            if (_variable(spelling) is { } variable)
            {
                return new ArchiveSetting(spelling, variable, null);
            }

            if (_ofFile.TryGetValue(spelling, out string? ofFile) && ofFile.Length > 0)
            {
                return new ArchiveSetting(spelling, ofFile, _file);
            }
        }

        return null;
    }

    /// <summary>The settings that were given, alone.</summary>
    internal ArchiveSettings GivenOnly() => new(_ => null, _given);

    private string Location()
    {
        if ((Find("S3_PREFIX") ?? Find("FILE_PREFIX")) is { } prefix)
        {
            // WAL-G puts everything into a folder of this name inside the prefix
            return Find("STORAGE_PREFIX") is { } folder ? $"{prefix.Value.TrimEnd('/')}/{folder.Value.Trim('/')}" : prefix.Value;
        }

        foreach (string other in (ReadOnlySpan<string>)["GS_PREFIX", "AZ_PREFIX", "WABS_PREFIX", "SWIFT_PREFIX", "OSS_PREFIX", "SSH_PREFIX"])
        {
            if (Find(other) is { } found)
            {
                throw new MigrationException("ArchiveMissing", MigrationErrorKind.NotSupported, $"{found} names an archive in a service that is not supported. Expected s3:// or a folder: copy the archive there, or mount it.");
            }
        }

        throw new MigrationException("ArchiveMissing", MigrationErrorKind.InvalidArgument,
            "No archive was named. Give -Archive (s3://bucket/prefix, file:///path or a folder), or set WALG_S3_PREFIX, WALE_S3_PREFIX or WALG_FILE_PREFIX, in the environment or in .walg.json.");
    }
}
