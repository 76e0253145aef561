using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security;
using System.Security.Cryptography;
using System.Text.Json.Serialization;

namespace PgMigration;

/// <summary>
/// A DMS of one's own on loopback: a process that speaks DMS's protocol, really moves data between PostgreSQL servers, and has DMS's
/// habits. For rehearsals and tests.
/// </summary>
/// <remarks>
/// The process outlives whoever started it, until <see cref="StopAsync"/>; what it was at is in its folder, and goes on at the next start,
/// after a kill too.
/// </remarks>
public sealed class LocalDmsServer
{
    private const string DefaultRegion = "us-east-1";
    private const string Ready = "READY";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private readonly LocalDmsStart _start;

    private LocalDmsServer(LocalDmsFolder folder, LocalDmsStart start, LocalDmsProcess process)
    {
        _start = start;
        Folder = folder.Path;
        LogFile = folder.LogFile;
        ProcessId = process.ProcessId;
        Endpoint = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{process.Port}/"));
    }

    /// <summary>The folder of the one that is started without naming a folder: in the user's local application data.</summary>
    public static string DefaultFolder => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "PgMigration", "local-dms");

    /// <summary>Its address: what <c>aws dms --endpoint-url</c> takes.</summary>
    public Uri Endpoint { get; }

    /// <summary>The region that requests are signed for.</summary>
    public string Region => _start.Region;

    /// <summary>The id of the one key that it knows.</summary>
    public string AccessKeyId => _start.AccessKeyId;

    /// <summary>The key's secret, which is not shown.</summary>
    [JsonIgnore]
    public SecureString SecretAccessKey => new NetworkCredential(string.Empty, _start.SecretAccessKey).SecurePassword;

    /// <summary>Its process.</summary>
    public int ProcessId { get; }

    /// <summary>The folder that holds its state, its secrets among it: for its owner only.</summary>
    public string Folder { get; }

    /// <summary>Its log; each task has one of its own in the folder <c>tasks</c>.</summary>
    public string LogFile { get; }

    /// <summary>How a client reaches it, keys included.</summary>
    [JsonIgnore]
    public DmsAccess Access => new DmsAccess { Endpoint = Endpoint, Region = Region }.WithKeys(_start.AccessKeyId, _start.SecretAccessKey, _start.SessionToken);

    /// <summary>The key with its secret, as AWS's libraries hold it: <c>$StoredAWSCredentials = $dms</c> lets the session's cmdlets use it.</summary>
    public Amazon.Runtime.ImmutableCredentials GetCredentials() => new(_start.AccessKeyId, _start.SecretAccessKey, _start.SessionToken);

    /// <summary>The one that runs in a folder; null when none does.</summary>
    /// <param name="folder">The folder; null for <see cref="DefaultFolder"/>.</param>
    /// <exception cref="MigrationException"><c>LocalDmsFolderUnreadable</c>.</exception>
    public static LocalDmsServer? Find(string? folder = null) => Find(FolderOf(folder));

    /// <summary>Starts one, or returns the one that runs in the folder already. One that was stopped or killed goes on with what it was at.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancel">Ends the wait, and the process with it if it is not ready yet.</param>
    /// <exception cref="MigrationException">
    /// <c>LocalDmsProgramMissing</c>, <c>DotnetRuntimeMissing</c>, <c>LocalDmsFolderNotEmpty</c>, <c>LocalDmsFolderUnreadable</c>, <c>LocalDmsRunsOtherwise</c>, <c>LocalDmsStartFailed</c>.
    /// </exception>
    public static async Task<LocalDmsServer> StartAsync(LocalDmsOptions options, CancellationToken cancel = default)
    {
        var folder = FolderOf(options.Folder);
        if (Find(folder) is { } running)
        {
            return (options.Port ?? running.Endpoint.Port) == running.Endpoint.Port && (options.Region ?? running.Region) == running.Region
                ? running
                : throw new MigrationException("LocalDmsRunsOtherwise", MigrationErrorKind.InvalidOperation,
                    $"A local DMS runs in '{folder.Path}' at {running.Endpoint} for {running.Region}. Stop it first (Stop-LocalDms), or give another -Path.");
        }

        var program = LocalDmsProgram.Find(options.ProgramFolder);
        folder.Make();
        var before = folder.ReadStart();
        var start = new LocalDmsStart
        {
            Port = options.Port ?? (before is { Port: var port } && IsFree(port) ? port : LoopbackPort.Free()),
            Region = options.Region ?? before?.Region ?? DefaultRegion,
            AccessKeyId = before?.AccessKeyId ?? "AKIALOCAL" + RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 11),
            SecretAccessKey = before?.SecretAccessKey ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(30)),
            SessionToken = before?.SessionToken,
            Faults = options.Faults,
        };
        folder.WriteStart(start);
        await LaunchAsync(program, folder, cancel);
        return Find(folder) ?? throw new MigrationException("LocalDmsStartFailed", MigrationErrorKind.InvalidOperation, $"The local DMS in '{folder.Path}' ended at once. Its log is {folder.LogFile}.");
    }

    /// <summary>Stops the one that runs in a folder. Its tasks stay as they are, and go on when it is started again; their slots hold the source's log meanwhile.</summary>
    /// <param name="folder">The folder; null for <see cref="DefaultFolder"/>.</param>
    /// <param name="remove">Stop and delete its tasks first, with their slots and publications, and remove the folder afterwards.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="MigrationException"><c>LocalDmsStopFailed</c>, <c>LocalDmsTaskStays</c>, and those of <see cref="StartAsync"/> when it must run to remove its tasks.</exception>
    public static async Task StopAsync(string? folder = null, bool remove = false, CancellationToken cancel = default)
    {
        var place = FolderOf(folder);
        if (remove && place.ReadStart() is not null)
        {
            var server = Find(place) ?? await StartAsync(new LocalDmsOptions { Folder = place.Path }, cancel);
            await LocalDmsTasks.RemoveAsync(server, cancel);
        }

        if (Find(place) is { } running)
        {
            await EndAsync(running.ProcessId, place, cancel);
        }

        if (remove && place.ReadStart() is not null)
        {
            Directory.Delete(place.Path, recursive: true);
        }
    }

    /// <summary>The address and the key's id.</summary>
    public override string ToString() => $"{Endpoint} ({Region}, {AccessKeyId})";

    private static LocalDmsFolder FolderOf(string? folder) => new(Path.GetFullPath(folder ?? DefaultFolder));

    private static LocalDmsServer? Find(LocalDmsFolder folder) =>
        folder.IsHeld && folder.ReadStart() is { } start && folder.ReadRunning() is { } process ? new LocalDmsServer(folder, start, process) : null;

    private static async Task LaunchAsync(LocalDmsProgram program, LocalDmsFolder folder, CancellationToken cancel)
    {
        using var process = Process.Start(program.Start(folder.Path))!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(StartLimit);
        string? said;
        try
        {
            said = await process.StandardOutput.ReadLineAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            cancel.ThrowIfCancellationRequested();
            throw new MigrationException("LocalDmsStartFailed", MigrationErrorKind.Timeout,
                string.Create(CultureInfo.InvariantCulture, $"The local DMS was not ready within {StartLimit.TotalSeconds:0} seconds and was ended. Its log is {folder.LogFile}."));
        }

        if (said != Ready)
        {
            string trouble = (await process.StandardError.ReadToEndAsync(cancel)).Trim();
            throw new MigrationException("LocalDmsStartFailed", MigrationErrorKind.InvalidOperation, $"The local DMS did not start: {(trouble.Length == 0 ? "it said nothing" : trouble)} Its folder is {folder.Path}.");
        }
    }

    private static async Task EndAsync(int processId, LocalDmsFolder folder, CancellationToken cancel)
    {
        Signal(processId, kill: false);
        var waited = Stopwatch.StartNew();
        while (folder.IsHeld)
        {
            if (waited.Elapsed > StopLimit)
            {
                Signal(processId, kill: true); // what it was at is in its folder and on the target, as after any kill
            }

            if (waited.Elapsed > StopLimit * 2)
            {
                throw new MigrationException("LocalDmsStopFailed", MigrationErrorKind.Timeout,
                    string.Create(CultureInfo.InvariantCulture, $"The local DMS in '{folder.Path}' does not end. Its process id is {processId}."));
            }

            await Task.Delay(Look, cancel);
        }
    }

    // .NET sends SIGKILL only; by asking kill, the process gets to end its sessions
    private static void Signal(int processId, bool kill)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            if (kill || OperatingSystem.IsWindows())
            {
                process.Kill();
                return;
            }

            using var ask = Process.Start("kill", ["-TERM", processId.ToString(CultureInfo.InvariantCulture)]);
            ask.WaitForExit();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // it has ended by itself
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
