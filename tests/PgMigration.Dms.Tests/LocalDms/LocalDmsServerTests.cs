using System.Diagnostics;
using System.Net;

namespace PgMigration.Dms.Tests;

/// <summary>The process of the local DMS: started, found, stopped, and its secrets.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class LocalDmsServerTests : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-dmssrv-{Guid.NewGuid().ToString("N")[..8]}");

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => LocalDmsServer.StopAsync(_folder, remove: true);

    [Fact]
    public async Task Started_twice_there_is_one_and_started_again_after_a_kill_it_has_the_same_address_and_key()
    {
        var first = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });
        var second = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });
        Assert.Equal(first.ProcessId, second.ProcessId);

        using (var process = Process.GetProcessById(first.ProcessId))
        {
            process.Kill();
        }

        await TestTask.UntilAsync(() => Task.FromResult(LocalDmsServer.Find(_folder)), running => running is null);
        var third = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });
        Assert.NotEqual(first.ProcessId, third.ProcessId);
        Assert.Equal((first.Endpoint, first.AccessKeyId), (third.Endpoint, third.AccessKeyId));
        using var client = new DmsClient(first.Access);
        Assert.Empty(await client.ListReplicationTasksAsync());
    }

    [Fact]
    public async Task Its_secret_is_in_no_command_line_no_output_and_no_file_that_others_can_read()
    {
        var server = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });
        string secret = new NetworkCredential(string.Empty, server.SecretAccessKey).Password;
        Assert.True(secret.Length >= 40);
        Assert.Equal(secret, server.GetCredentials().SecretKey);

        Assert.DoesNotContain(secret, await File.ReadAllTextAsync($"/proc/{server.ProcessId}/cmdline"), StringComparison.Ordinal);
        Assert.DoesNotContain(secret, await File.ReadAllTextAsync($"/proc/{server.ProcessId}/environ"), StringComparison.Ordinal);
        Assert.DoesNotContain(secret, server + System.Text.Json.JsonSerializer.Serialize(server), StringComparison.Ordinal);
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(_folder) & Others);
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.Combine(_folder, "start.json")) & Others);
    }

    [Fact]
    public async Task Faults_on_demand_reach_a_client_and_throttling_is_tried_again_by_it()
    {
        var server = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder, Faults = ["DescribeEndpoints=ThrottlingException*2", "DescribeConnections=AccessDeniedFault"] });
        using var client = new DmsClient(server.Access);

        Assert.Empty(await client.ListEndpointsAsync());
        Assert.Equal("DmsAccessDenied", (await Assert.ThrowsAsync<MigrationException>(() => client.ListConnectionsAsync())).ErrorId);
        Assert.Empty(await client.ListConnectionsAsync());
    }

    [Fact]
    public async Task A_client_with_another_secret_is_refused()
    {
        var server = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });
        using var client = new DmsClient(server.Access.WithKeys(server.AccessKeyId, "another secret"));

        Assert.Equal("DmsInvalidSignature", (await Assert.ThrowsAsync<MigrationException>(() => client.ListEndpointsAsync())).ErrorId);
    }

    [Fact]
    public async Task A_folder_that_holds_something_else_is_left_alone()
    {
        Directory.CreateDirectory(_folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "letter.txt"), "dear");

        Assert.Equal("LocalDmsFolderNotEmpty", (await Assert.ThrowsAsync<MigrationException>(() => LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder }))).ErrorId);
        await LocalDmsServer.StopAsync(_folder, remove: true);
        Assert.True(File.Exists(Path.Combine(_folder, "letter.txt")));
        Directory.Delete(_folder, recursive: true);
    }
}
