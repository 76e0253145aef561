using System.Diagnostics;
using System.Globalization;
using PgMigration.Wal;
using Xunit;

namespace PgMigration;

/// <summary>
/// An S3 service (s3rver) on a free port of 127.0.0.1: as a fixture <c>ICollectionFixture&lt;TestS3&gt;</c> or <c>IClassFixture&lt;TestS3&gt;</c>.
/// Its npm package is installed into tests/node when it is missing there.
/// </summary>
public sealed class TestS3 : IAsyncLifetime
{
    /// <summary>The one bucket.</summary>
    public const string Bucket = "test-archive";

    /// <summary>The only keys that s3rver knows.</summary>
    public const string Key = "S3RVER";

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-s3-{Guid.NewGuid():N}");
    private Process? _process;
    private int _prefixes;

    /// <summary>The address of the service.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>Access to a prefix of the bucket that nobody else has.</summary>
    public ArchiveAccess NewArchive() => At(Endpoint, string.Create(CultureInfo.InvariantCulture, $"archive{Interlocked.Increment(ref _prefixes)}/prod"));

    /// <summary>Access to a prefix through another address, such as a proxy's.</summary>
    public static ArchiveAccess At(Uri endpoint, string prefix) =>
        new ArchiveAccess { Location = ArchiveLocation.Parse($"s3://{Bucket}/{prefix}"), Endpoint = endpoint, Region = "us-east-1" }.WithKeys(Key, Key);

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        string node = await NodePackages.InstallAsync();
        Directory.CreateDirectory(_folder);
        var start = new ProcessStartInfo("node", ["s3.js", _folder, Bucket])
        {
            WorkingDirectory = node, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        string? port = await _process.StandardOutput.ReadLineAsync();
        Assert.True(port is not null, $"s3rver did not start: {(port is null ? await _process.StandardError.ReadToEndAsync() : string.Empty)}");
        _process.ErrorDataReceived += (_, _) => { }; // keeps the pipe from filling
        _process.BeginErrorReadLine();
        Endpoint = new Uri($"http://127.0.0.1:{port}");
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            _process.StandardInput.Close(); // its sign to end
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
