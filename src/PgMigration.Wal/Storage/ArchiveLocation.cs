using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>Where an archive lies: <c>s3://bucket/prefix</c>, <c>file:///path</c>, or a plain absolute path. Holds no secret.</summary>
[JsonConverter(typeof(JsonText))]
public sealed record ArchiveLocation
{
    private const string S3Scheme = "s3://";
    private const string FileScheme = "file://";

    private ArchiveLocation()
    {
    }

    /// <summary>The bucket; null for a folder.</summary>
    public string? Bucket { get; private init; }

    /// <summary>The prefix inside the bucket, without slashes at its ends; empty for the whole bucket, and for a folder.</summary>
    public string Prefix { get; private init; } = string.Empty;

    /// <summary>The folder, absolute; null for a bucket.</summary>
    public string? Folder { get; private init; }

    /// <summary>Whether it is a bucket.</summary>
    public bool IsS3 => Bucket is not null;

    /// <summary>The address: <c>s3://bucket/prefix</c> or <c>file:///path</c>.</summary>
    public string Url => Bucket is null ? new Uri(Folder!).AbsoluteUri : Prefix.Length == 0 ? $"{S3Scheme}{Bucket}" : $"{S3Scheme}{Bucket}/{Prefix}";

    /// <summary>Reads an address as people write it, and as WALG_S3_PREFIX and WALG_FILE_PREFIX hold it.</summary>
    /// <exception cref="MigrationException"><c>ArchiveAddressInvalid</c>, with what was expected.</exception>
    public static ArchiveLocation Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        if (text.StartsWith(S3Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return ParseS3(text[S3Scheme.Length..]);
        }

        if (text.StartsWith(FileScheme, StringComparison.OrdinalIgnoreCase))
        {
            return ParseFile(text);
        }

        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            // what follows the scheme may hold a password: it is not repeated
            throw Invalid($"An archive's address cannot begin with '{text[..scheme]}://'.");
        }

        return Path.IsPathFullyQualified(text) ? OfFolder(text) : throw Invalid($"'{text}' is not an archive's address.");
    }

    /// <summary>The address.</summary>
    public override string ToString() => Url;

    private static ArchiveLocation ParseS3(string rest)
    {
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string bucket = slash < 0 ? rest : rest[..slash];
        string prefix = slash < 0 ? string.Empty : rest[(slash + 1)..].Trim('/');
        if (bucket.Contains('@', StringComparison.Ordinal))
        {
            throw Invalid("An s3:// address holds no user or key before '@': give keys by a profile or by the environment (AWS_ACCESS_KEY_ID).");
        }

        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; other stores also allow capitals and underscores.
        if (bucket.Length is 0 or > 255 || bucket.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_')))
        {
            throw Invalid($"'{S3Scheme}{rest}' names no valid bucket.");
        }

        return HasDots(prefix) ? throw Invalid($"The prefix '{prefix}' holds '.' or '..' as a part.") : new ArchiveLocation { Bucket = bucket, Prefix = prefix };
    }

    private static ArchiveLocation ParseFile(string text)
    {
        string path = text[FileScheme.Length..];
        if (path.StartsWith("localhost/", StringComparison.OrdinalIgnoreCase))
        {
            path = path["localhost".Length..];
        }

        if (!path.StartsWith('/'))
        {
            throw Invalid($"'{text}' names a host or a relative path.");
        }

        path = Uri.UnescapeDataString(path);
        if (OperatingSystem.IsWindows() && path.Length > 2 && path[2] == ':')
        {
            path = path[1..];
        }

        return OfFolder(path);
    }

    private static ArchiveLocation OfFolder(string path) => new() { Folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)) };

    private static bool HasDots(string prefix) => prefix.Length > 0 && prefix.Split('/').Any(part => part is "." or "..");

    private static MigrationException Invalid(string what) => new("ArchiveAddressInvalid", MigrationErrorKind.InvalidArgument,
        what + " Expected s3://bucket/prefix, file:///path, or an absolute path.");

    /// <summary>In JSON a location is its address.</summary>
    internal sealed class JsonText : JsonConverter<ArchiveLocation>
    {
        public override ArchiveLocation Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(reader.GetString() ?? string.Empty);

        public override void Write(Utf8JsonWriter writer, ArchiveLocation value, JsonSerializerOptions options) => writer.WriteStringValue(value.Url);
    }
}
