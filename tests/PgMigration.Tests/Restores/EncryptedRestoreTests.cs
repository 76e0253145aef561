using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>A source whose archive is encrypted: restored and followed by the real engine, on real servers.</summary>
[Collection(ArchivingCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class EncryptedRestoreTests(ArchivingServer source) : IDisposable
{
    private readonly RestoreTarget _target = new(source);
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-encrypted-").FullName;

    public void Dispose()
    {
        _target.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_archive_encrypted_with_libsodium_is_restored_and_followed()
    {
        var link = await RestoreAndFollowAsync(EncryptionKeys.Libsodium("a key of more than 25 letters", "none", "WALG_LIBSODIUM_KEY"));

        string key = Convert.ToBase64String("a key of more than 25 letters"u8)[..36];
        Assert.Contains(key, await File.ReadAllTextAsync(_target.Layout.ArchiveFile), StringComparison.Ordinal); // there, and nowhere else
        Assert.DoesNotContain(key, await File.ReadAllTextAsync(_target.Layout.LogFile), StringComparison.Ordinal);
        Assert.DoesNotContain(key, await TestPostgres.QueryAsync<string>(link.Target, "SELECT string_agg(name || setting, ',') FROM pg_settings"), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_target.Layout.ArchiveFile));
    }

    [Fact]
    public async Task An_archive_that_gpg_encrypted_is_restored_and_followed_with_a_locked_key()
    {
        const string Passphrase = "a passphrase";
        string home = Path.Combine(_folder, "gpg");
        Directory.CreateDirectory(home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string gpg = $"gpg --homedir {home} --batch --quiet --no-tty --pinentry-mode loopback";
        await ShellAsync($"{gpg} --passphrase '{Passphrase}' --quick-generate-key test@example.com default default never");
        string ring = await ShellAsync($"{gpg} --passphrase '{Passphrase}' --armor --export-secret-keys");
        try
        {
            await RestoreAndFollowAsync(EncryptionKeys.OpenPgp(ring, Passphrase, "WALG_PGP_KEY"), $"{gpg} --trust-model always --compress-algo none --recipient test@example.com --encrypt");
        }
        finally
        {
            await ShellAsync($"gpgconf --homedir {home} --kill all");
        }
    }

    [Fact]
    public async Task A_wrong_key_is_told_with_the_object_before_anything_is_written()
    {
        await source.FillAsync(10);
        await source.BackUpAsync();
        await EncryptNewAsync(EncryptionKeys.Libsodium("a key of more than 25 letters", "none", "WALG_LIBSODIUM_KEY"), filter: null);

        var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync(OptionsWith(EncryptionKeys.Libsodium("another key of more than 25 letters", "none", "WALG_LIBSODIUM_KEY"))));

        Assert.Equal("ArchiveKeyWrong", error.ErrorId);
        Assert.Contains("wal_005/", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_target.DataDirectory));
    }

    private async Task<WalLink> RestoreAndFollowAsync(EncryptionKeys keys, string? filter = null)
    {
        await source.FillAsync(2_000);
        await source.BackUpAsync(new BackupWriterOptions { Codec = Codec.Brotli });
        await EncryptNewAsync(keys, filter);

        var link = await _target.StartAsync(OptionsWith(keys));
        await _target.UntilSameAsync(link);

        await source.AddAsync("written while it is followed");
        await source.ArchiveNowAsync();
        await EncryptNewAsync(keys, filter);
        await _target.UntilSameAsync(link);
        return link;
    }

    private WalRestoreOptions OptionsWith(EncryptionKeys keys) => _target.Options with { Archive = ArchiveAccess.To(Path.Combine(_folder, "archive")) with { Encryption = keys } };

    /// <summary>Copies what is new in the source's archive into one of its own, parts and WAL encrypted: by our writer, or by a program that is a filter.</summary>
    private async Task EncryptNewAsync(EncryptionKeys keys, string? filter)
    {
        string archive = Path.Combine(_folder, "archive");
        var encryption = ArchiveEncryption.Of(new ArchiveAccess { Location = ArchiveLocation.Parse(archive), Encryption = keys });
        foreach (string file in Directory.GetFiles(source.ArchiveFolder, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(source.ArchiveFolder, file);
            string copy = Path.Combine(archive, name);
            if (File.Exists(copy) || file.EndsWith(".new", StringComparison.Ordinal))
            {
                continue;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (!name.StartsWith("wal_005/", StringComparison.Ordinal) && !name.Contains("/tar_partitions/", StringComparison.Ordinal))
            {
                File.Copy(file, copy); // sentinels and lists WAL-G writes as they are
                continue;
            }

            string temporary = Path.Combine(_folder, "object");
            if (filter is not null)
            {
                await ShellAsync($"{filter} < '{file}' > '{temporary}'");
            }
            else
            {
                await using var content = File.OpenRead(file);
                await using var stored = File.Create(temporary);
                await using var encrypting = encryption.Encrypt(stored);
                await content.CopyToAsync(encrypting);
            }

            File.Move(temporary, copy);
        }

        await ShellAsync($"chmod -R a+rX '{_folder}' 2>/dev/null; chmod -R go-rwx '{_folder}/gpg' 2>/dev/null; true"); // for the server's OS user, whose prefetcher reads it
    }

    private static async Task<string> ShellAsync(string command)
    {
        var start = new System.Diagnostics.ProcessStartInfo("sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = System.Diagnostics.Process.Start(start)!;
        var said = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{command}: {await said}");
        return output;
    }
}
