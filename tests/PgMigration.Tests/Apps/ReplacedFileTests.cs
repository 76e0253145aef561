using System.Diagnostics;

namespace PgMigration.Tests;

/// <summary>A pooler's file is whole at every moment, and stays whose it was.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ReplacedFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-ini").FullName;

    private string File1 => Path.Combine(_folder, "pgbouncer.ini");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Owner_mode_and_symbolic_link_stay_and_a_reader_of_the_old_file_sees_it_whole()
    {
        File.WriteAllText(File1, "old");
        File.SetUnixFileMode(File1, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        bool root = Environment.UserName == "root";
        if (root)
        {
            Assert.Equal(0, await RunAsync("chown", "postgres:postgres", File1));
        }

        string owner = await OutputAsync("stat", "-c", "%U:%G %a", File1);
        string link = Path.Combine(_folder, "link.ini");
        File.CreateSymbolicLink(link, "pgbouncer.ini");
        using var reader = new StreamReader(File1);

        ReplacedFile.Check(link);
        ReplacedFile.Write(link, "new and longer"u8);

        Assert.Equal("old", await reader.ReadToEndAsync());
        Assert.Equal("new and longer", await File.ReadAllTextAsync(File1));
        Assert.Equal(owner, await OutputAsync("stat", "-c", "%U:%G %a", File1));
        Assert.Equal("pgbouncer.ini", new FileInfo(link).LinkTarget);
        Assert.Equal(["link.ini", "pgbouncer.ini"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task On_a_full_disk_the_file_is_old_or_new_and_never_cut()
    {
        if (Environment.UserName != "root" || await RunAsync("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", _folder) != 0)
        {
            return; // only root mounts a small disk
        }

        try
        {
            string old = new('o', 5000);
            await File.WriteAllTextAsync(File1, old);
            Assert.ThrowsAny<IOException>(() => File.WriteAllBytes(Path.Combine(_folder, "filler"), new byte[1 << 20]));

            Assert.ThrowsAny<IOException>(() => ReplacedFile.Write(File1, new byte[20000]));
            Assert.Equal(old, await File.ReadAllTextAsync(File1));

            string replaced = new('n', 5010);
            ReplacedFile.Write(File1, System.Text.Encoding.ASCII.GetBytes(replaced)); // fits into what the file has
            Assert.Equal(replaced, await File.ReadAllTextAsync(File1));
            Assert.Equal(["filler", "pgbouncer.ini"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
        finally
        {
            await RunAsync("umount", _folder);
        }
    }

    [Fact]
    public void An_entry_that_was_added_for_a_moment_leaves_every_byte_as_it_was()
    {
        byte[] before = System.Text.Encoding.Latin1.GetBytes("; M\u00fcller\r\n[databases]\r\n  shop = host=old  pool_size=50 min_pool_size=9 ; port=1\r\npgmigration_probe_1_left = host=x\n[pgbouncer]\n");
        File.WriteAllBytes(File1, before);
        var ini = new PgBouncerIni(File1);
        string name = PgBouncerIni.NewProbeName();

        ini.AddProbe("shop", name, new PgServer("new", 6543, "shop", "app"));
        Assert.Equal(("new", "6543"), ini.Read(name));
        Assert.Equal(("1", null), (ini.ReadOption(name, "pool_size"), ini.ReadOption(name, "min_pool_size")));
        ini.RemoveProbe(name);

        Assert.Equal(System.Text.Encoding.Latin1.GetString(before).Replace("pgmigration_probe_1_left = host=x\n", string.Empty, StringComparison.Ordinal), System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(File1)));
    }

    [Fact]
    public void A_missing_entry_that_an_included_file_or_the_fallback_has_is_named_with_it()
    {
        File.WriteAllText(Path.Combine(_folder, "more.ini"), "[databases]\nshop = host=x\n");
        File.WriteAllText(File1, "%include more.ini\n[databases]\n* = host=y\n");

        Assert.Contains("more.ini", Assert.Throws<MigrationException>(() => new PgBouncerIni(File1).Read("shop")).Message, StringComparison.Ordinal);
        Assert.Contains("'*' serves that name", Assert.Throws<MigrationException>(() => new PgBouncerIni(File1).Read("other")).Message, StringComparison.Ordinal);
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static async Task<string> OutputAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        return await process.StandardOutput.ReadToEndAsync();
    }
}
