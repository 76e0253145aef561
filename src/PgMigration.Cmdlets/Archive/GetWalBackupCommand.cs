using System.Management.Automation;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>Lists the base backups of an archive, newest first.</summary>
/// <remarks>Only finished backups are listed: those whose sentinel is in the archive. One that cannot be read is a warning.</remarks>
/// <example>
/// <code>Get-WalBackup s3://wal-bucket/prod</code>
/// <para>All backups, with the keys and region that the AWS programs would use.</para>
/// </example>
/// <example>
/// <code>Get-WalBackup s3://wal-bucket/prod -EndpointUrl https://minio.example:9000 -ProfileName minio | Select-Object -First 1</code>
/// <para>The newest backup on a service that speaks S3.</para>
/// </example>
/// <example>
/// <code>Get-WalBackup s3://wal-bucket/prod -Name *03 | Start-WalRestore -DataDirectory /data/pg</code>
/// <para>Restores a certain backup. A piped backup carries its archive, and how the archive was reached.</para>
/// </example>
/// <example>
/// <code>Get-WalBackup file:///backup/prod -Name 'base_00000002*' | Where-Object IsDelta -EQ $false</code>
/// <para>The full backups that were taken on timeline 2, from a folder.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "WalBackup")]
[OutputType(typeof(WalBackup))]
public sealed class GetWalBackupCommand : ArchiveCmdlet
{
    /// <summary>Names to list, with wildcards; by default all, or the one that was piped.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    private protected override bool TakesLinks => true;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var piped = ReadInput();
        string[] names = Name ?? [piped is { IsLink: false } ? piped.BackupName : "*"];
        var patterns = Array.ConvertAll(names, name => new WildcardPattern(name, WildcardOptions.IgnoreCase));
        var access = ArchiveAccess(piped);
        using var storage = ArchiveStorage.Open(access);
        var all = await BackupCatalog.ListAsync(storage, Observer, cancel);
        if (all.Count == 0)
        {
            WriteWarningLine($"{storage.Url} holds no finished base backup: no {BackupCatalog.Folder}base_*_backup_stop_sentinel.json was found there. Check the address: the prefix is the folder that holds {BackupCatalog.Folder} and {SegmentStore.Folder}");
        }

        foreach (var backup in all.Where(backup => Array.Exists(patterns, pattern => pattern.IsMatch(backup.Name))))
        {
            Write(backup with { Access = access });
        }

        foreach (string name in names.Where(name => !WildcardPattern.ContainsWildcardCharacters(name) && all.All(backup => !backup.Name.Equals(name, StringComparison.OrdinalIgnoreCase))))
        {
            WriteFailure(new MigrationException("BackupNotFound", MigrationErrorKind.NotFound,
                $"{storage.Url} holds no finished base backup '{name}'. Get-WalBackup without -Name lists all."), name);
        }
    }
}
