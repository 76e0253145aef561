namespace PgMigration.Wal;

/// <summary>What the settings say about how a bucket is reached.</summary>
internal static class BucketSettings
{
    /// <summary>The access with endpoint, path style, region, keys and trusted authorities.</summary>
    /// <remarks>Keys and region in the environment are left there: the SDK finds them anew each time, with the same names.</remarks>
    public static ArchiveAccess Apply(ArchiveSettings settings, ArchiveAccess access, IMigrationObserver? observer)
    {
        if (settings.Find("S3_SSE_C") is { } customerKey)
        {
            throw new MigrationException("EncryptionNotSupported", MigrationErrorKind.NotSupported,
                $"{customerKey} says that the bucket's objects are encrypted with a key that each request must carry (SSE-C), which is not supported. Unset it if they are not.");
        }

        foreach (var unheeded in new[] { settings.Find("S3_ENDPOINT_SOURCE"), settings.Find("AWS_ROLE_ARN") is { IsOfFile: true } role ? role : null }.OfType<ArchiveSetting>())
        {
            observer?.Warning($"{unheeded} is not heeded. Give the endpoint with -EndpointUrl, and a role by a profile (-ProfileName).");
        }

        access = access with
        {
            Endpoint = (settings.Find("AWS_ENDPOINT_URL_S3") ?? settings.Find("AWS_ENDPOINT_URL") ?? settings.Find("AWS_ENDPOINT")) is { } endpoint ? ArchiveAccess.ParseEndpoint(endpoint.Value) : null,
            PathStyle = Switch(settings, "AWS_S3_FORCE_PATH_STYLE"),
            UsesListV1 = Switch(settings, "S3_USE_LIST_OBJECTS_V1") ?? false,
            Region = NotOfEnvironment(settings.Find("AWS_REGION"), "AWS_REGION"),
            CertificateAuthorities = Authorities(settings),
        };
        return Keys(settings, access);
    }

    private static bool? Switch(ArchiveSettings settings, string name) => settings.Find(name) is not { } setting ? null
        : setting.Value.ToUpperInvariant() switch
        {
            "TRUE" or "T" or "1" => true, // as Go's strconv.ParseBool
            "FALSE" or "F" or "0" => false,
            _ => throw new MigrationException("ArchiveSettingInvalid", MigrationErrorKind.InvalidArgument, $"{setting} is '{setting.Value}'. Expected true or false."),
        };

    private static ArchiveAccess Keys(ArchiveSettings settings, ArchiveAccess access)
    {
        var id = settings.Find("AWS_ACCESS_KEY_ID") ?? settings.Find("AWS_ACCESS_KEY");
        var secret = settings.Find("AWS_SECRET_ACCESS_KEY") ?? settings.Find("AWS_SECRET_KEY");
        if (id is not { } knownId || secret is not { } knownSecret || (IsOfEnvironment(knownId, "AWS_ACCESS_KEY_ID") && IsOfEnvironment(knownSecret, "AWS_SECRET_ACCESS_KEY")))
        {
            return access;
        }

        // a token goes with the keys beside it, never with others
        bool belongs = settings.Find("AWS_SESSION_TOKEN") is { } token && token.IsOfFile == knownId.IsOfFile && PrefixOf(token) == PrefixOf(knownId);
        return access.WithKeys(knownId.Value.Trim(), knownSecret.Value.Trim(), belongs ? settings.Find("AWS_SESSION_TOKEN")?.Value : null);

        static string PrefixOf(ArchiveSetting setting) => setting.Name[..setting.Name.IndexOf("AWS_", StringComparison.Ordinal)];
    }

    private static string? NotOfEnvironment(ArchiveSetting? setting, string name) => setting is { } found && !IsOfEnvironment(found, name) ? found.Value : null;

    private static bool IsOfEnvironment(ArchiveSetting setting, string name) => !setting.IsOfFile && setting.Name == name;

    private static string? Authorities(ArchiveSettings settings)
    {
        if (settings.Find("S3_CA_CERT_FILE") is not { } setting)
        {
            return null;
        }

        try
        {
            string text = File.ReadAllText(setting.Value);
            var found = new System.Security.Cryptography.X509Certificates.X509Certificate2Collection();
            found.ImportFromPem(text);
            return found.Count > 0 ? text : throw new System.Security.Cryptography.CryptographicException();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException or ArgumentException)
        {
            throw new MigrationException("ArchiveSettingInvalid", MigrationErrorKind.InvalidArgument, $"{setting} names '{setting.Value}', which holds no certificate in PEM form that can be read.", error);
        }
    }
}
